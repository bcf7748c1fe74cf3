import { request as openRequest } from "node:http";
import { fromBinary } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { codeToString } from "@connectrpc/connect/protocol-connect";
import { type Problem, ProblemReason, ProblemSchema } from "#gen/job/v1/problem_pb.js";
import { findProblem } from "#protocol/problem.ts";

/** A request as a careless or hostile program sends it. */
export interface RawRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Pieces go out without an announced length. */
  readonly body?: string | Uint8Array | readonly Uint8Array[];
}

/** Sends a request, and says in one line how it was answered: status, code, reason, and the fields at fault. */
export async function sendRaw(url: string, wish: RawRequest = {}): Promise<string> {
  const { status, type, text } = await exchange(url, wish);
  if (type === "application/problem+json") return `${status} ${describeRestProblem(status, text)}`;
  if (type === "application/json") return `${status} ${describeConnectError(JSON.parse(text))}`;
  // The error of a stream is in its last message.
  const [, end] = /(\{"error":.*\})$/s.exec(text) ?? [];
  return end === undefined ? String(status) : `${status} ${describeConnectError(JSON.parse(end).error)}`;
}

/** Says how a call of a generated client was refused: code, reason, and the field at fault. */
export async function refusalOf(call: Promise<unknown> | AsyncIterable<unknown>): Promise<string> {
  try {
    if (call instanceof Promise) await call;
    else for await (const _ of call);
    return "accepted";
  } catch (error) {
    const refusal = ConnectError.from(error);
    return words(codeToString(refusal.code), findProblem(refusal));
  }
}

interface RawAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

function exchange(url: string, { method = "GET", headers = {}, body }: RawRequest): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const sent = openRequest(url, { method, headers, agent: false }, (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("end", () => {
      const type = response.headers["content-type"] ?? "";
      resolve({ status: response.statusCode ?? 0, type, text: Buffer.concat(chunks).toString() });
    });
  });
  // A server that has refused may close before it has read everything; the answer then came first.
  sent.on("error", reject);
  if (typeof body === "object" && !(body instanceof Uint8Array)) {
    for (const piece of body) sent.write(piece);
    sent.end();
  } else sent.end(body);
  return promise;
}

interface RestProblem {
  readonly status: number;
  readonly code: string;
  readonly reason: string;
  readonly errors: readonly { readonly field: string }[];
}

function describeRestProblem(status: number, text: string): string {
  const problem = JSON.parse(text) as RestProblem;
  if (problem.status !== status) throw new Error(`a problem of status ${problem.status} came with status ${status}`);
  return [problem.code, problem.reason, ...new Set(problem.errors.map(({ field }) => field))].join(" ");
}

interface WireError {
  readonly code: string;
  readonly details?: readonly { readonly type: string; readonly value: string }[];
}

function describeConnectError({ code, details = [] }: WireError): string {
  const detail = details.find(({ type }) => type === ProblemSchema.typeName);
  return words(code, detail && fromBinary(ProblemSchema, Buffer.from(detail.value, "base64")));
}

function words(code: string, problem: Problem | undefined): string {
  const reason = problem === undefined ? [] : [ProblemReason[problem.reason]?.toLowerCase(), problem.field];
  return [code, ...reason].filter(Boolean).join(" ");
}
