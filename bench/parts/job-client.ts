import { Agent, type IncomingMessage, request } from "node:http";
import { buffer } from "node:stream/consumers";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { JobState } from "#gen/job/v1/job_pb.js";
import {
  CreateJobRequestSchema,
  CreateJobResponseSchema,
  DeleteJobRequestSchema,
  JobService,
  WatchJobRequestSchema,
} from "#gen/job/v1/job_service_pb.js";
import { encodeEnvelope, messageFlag } from "#protocol/envelope.ts";
import { type BatchListener, readBatches } from "./read-batches.ts";

/** Calls a gateway with as little of its own as there can be: plain HTTP/1.1, connections kept. */
export class JobClient {
  readonly #url: string;
  readonly #agent = new Agent({ keepAlive: true, noDelay: true, maxSockets: Number.POSITIVE_INFINITY });

  constructor(url: string) {
    this.#url = url;
  }

  /** Creates a task and returns its id. */
  async create(argv: readonly string[]): Promise<string> {
    const init: MessageInitShape<typeof CreateJobRequestSchema> = {
      spec: {
        repoRef: "bench",
        work: { case: "task", value: { invocation: { case: "argv", value: { args: [...argv] } } } },
        limits: { logBytes: maxLogBytes },
      },
    };
    const body = toBinary(CreateJobRequestSchema, create(CreateJobRequestSchema, init));
    const answer = await buffer(await this.#post("createJob", "application/proto", body));
    const { job } = fromBinary(CreateJobResponseSchema, answer);
    if (job === undefined) throw new Error("no job was created");
    return job.id;
  }

  /** Watches a job from its beginning to its end, which must be a success. */
  async watch(id: string, listener: BatchListener): Promise<void> {
    const { state, cause } = await readBatches(await this.openWatch(id), listener);
    if (state !== JobState.SUCCEEDED) throw new Error(`job ${id} ended as ${JobState[state]}: ${cause}`);
  }

  /** The answer to a watch, of which nothing has been read. */
  async openWatch(id: string): Promise<IncomingMessage> {
    const message = toBinary(WatchJobRequestSchema, create(WatchJobRequestSchema, { id }));
    return await this.#post("watchJob", "application/connect+proto", encodeEnvelope(messageFlag, message));
  }

  async delete(id: string): Promise<void> {
    const body = toBinary(DeleteJobRequestSchema, create(DeleteJobRequestSchema, { id }));
    await buffer(await this.#post("deleteJob", "application/proto", body));
  }

  close(): void {
    this.#agent.destroy();
  }

  async #post(method: keyof typeof JobService.method, contentType: string, body: Uint8Array): Promise<IncomingMessage> {
    const path = `/${JobService.typeName}/${JobService.method[method].name}`;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { "content-type": contentType, "content-length": body.length };
      request(this.#url + path, { method: "POST", agent: this.#agent, headers }, resolve)
        .once("error", reject)
        .end(body);
    });
    if (response.statusCode !== 200) throw new Error(`${path}: ${await buffer(response)}`);
    return response;
  }
}

/** Larger than the largest job here, so that nothing is cut. */
const maxLogBytes = 2n << 30n;
