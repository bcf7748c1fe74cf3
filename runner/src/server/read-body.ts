import type { IncomingMessage } from "node:http";
import { Code } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";

/** Largest request body: the largest prompt, with room. */
export const maxBodyBytes = 2 << 20;

/** The whole body of a request; RESOURCE_EXHAUSTED as soon as it is known to be too large. */
export async function readBody(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(request.headers["content-length"] ?? 0) > maxBodyBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBodyBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

function tooLarge() {
  return problemError({
    code: Code.ResourceExhausted,
    reason: ProblemReason.REQUEST_TOO_LARGE,
    message: `the request is larger than ${maxBodyBytes} bytes`,
    action: "Send less.",
  });
}
