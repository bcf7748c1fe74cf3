import { Agent, type IncomingMessage, request } from "node:http";
import { buffer } from "node:stream/consumers";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type JobSpecSchema, PermissionMode } from "#gen/job/v1/job_pb.js";
import {
  CreateJobRequestSchema,
  CreateJobResponseSchema,
  DeleteJobRequestSchema,
  JobService,
  WatchJobRequestSchema,
} from "#gen/job/v1/job_service_pb.js";
import { encodeEnvelope, messageFlag } from "#protocol/envelope.ts";
import { BatchReader, type Payload } from "./batch-reader.ts";
import { readStream, type StreamRequest } from "./http-stream.ts";

/** Calls a gateway with as little of its own as there can be: plain HTTP/1.1, connections kept. */
export class JobClient {
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true, noDelay: true, maxSockets: Number.POSITIVE_INFINITY });

  constructor(url: string) {
    this.#url = url;
  }

  /** Creates a task, in an empty workspace or on a repository, and returns its id. */
  async create(argv: readonly string[], repoRef = "bench"): Promise<string> {
    const value = { invocation: { case: "argv" as const, value: { args: [...argv] } } };
    return await this.#create({ case: "task", value }, repoRef);
  }

  /** Creates a Claude Code job that asks nobody and returns its id. */
  async createAgent(prompt: string): Promise<string> {
    const value = { agent: "claude", prompt, permissionMode: PermissionMode.BYPASS };
    return await this.#create({ case: "agent", value }, "bench");
  }

  async #create(work: NonNullable<MessageInitShape<typeof JobSpecSchema>["work"]>, repoRef: string): Promise<string> {
    const spec = { repoRef, work, limits: { logBytes: maxLogBytes } };
    const body = toBinary(CreateJobRequestSchema, create(CreateJobRequestSchema, { spec }));
    const answer = await buffer(await this.#post("createJob", "application/proto", body));
    const { job } = fromBinary(CreateJobResponseSchema, answer);
    if (job === undefined) throw new Error("no job was created");
    return job.id;
  }

  /** Watches a job from its beginning to its end, which must be a success: hands on what it writes, and what else happens. */
  async watch(
    id: string,
    listener: (data: Uint8Array) => void,
    onEvent: (payload: Payload) => void = () => undefined,
  ): Promise<void> {
    const reader = new BatchReader(listener, onEvent);
    await readStream(this.#watchRequest(id), (bytes) => reader.take(bytes));
    reader.expectSuccess();
  }

  /** Hands on the bytes of a watch as they come. */
  async watchBytes(id: string, take: (bytes: Uint8Array) => void): Promise<void> {
    await readStream(this.#watchRequest(id), take);
  }

  /** The answer to a watch, of which nothing is read. */
  async openWatch(id: string): Promise<IncomingMessage> {
    return await this.#post("watchJob", watchType, this.#watchRequest(id).body);
  }

  async delete(id: string): Promise<void> {
    const body = toBinary(DeleteJobRequestSchema, create(DeleteJobRequestSchema, { id }));
    await buffer(await this.#post("deleteJob", "application/proto", body));
  }

  close(): void {
    this.#agent.destroy();
  }

  #watchRequest(id: string): StreamRequest & { readonly body: Uint8Array } {
    const message = toBinary(WatchJobRequestSchema, create(WatchJobRequestSchema, { id }));
    return {
      url: this.#url + pathOf("watchJob"),
      method: "POST",
      headers: { "content-type": watchType },
      body: encodeEnvelope(messageFlag, message),
    };
  }

  async #post(method: Method, contentType: string, body: Uint8Array): Promise<IncomingMessage> {
    const path = pathOf(method);
    const headers = { "content-type": contentType, "content-length": body.length };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(this.#url + path, { method: "POST", agent: this.#agent, headers }, resolve)
        .once("error", reject)
        .end(body);
    });
    if (response.statusCode !== 200) throw new Error(`${path}: ${await buffer(response)}`);
    return response;
  }
}

type Method = keyof typeof JobService.method;

function pathOf(method: Method): string {
  return `/${JobService.typeName}/${JobService.method[method].name}`;
}

const watchType = "application/connect+proto";

/** Larger than the largest job here, so that nothing is cut. */
const maxLogBytes = 2n << 30n;
