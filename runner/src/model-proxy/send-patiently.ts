import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import type { ApiError } from "./api-error.ts";
import { JsonFields, parseJson } from "./json-fields.ts";
import type { RateLimitGate } from "./rate-limit-gate.ts";
import { retryTime } from "./retry-time.ts";
import { SilentUpstream, type Upstream, type UpstreamRequest } from "./upstream.ts";

/** How the provider answered in the end. */
export type Reply =
  | { readonly kind: "answer"; readonly answer: IncomingMessage }
  | {
      readonly kind: "refusal";
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      readonly body: Uint8Array;
    }
  | { readonly kind: "failure"; readonly error: ApiError };

/** Where a request goes, and what it waits at. */
export interface Way {
  readonly upstream: Upstream;
  readonly gate: RateLimitGate;
}

/**
 * Sends a request until the provider answers what waiting does not change: through its rate limits, and a few times through
 * errors of its own. An answer that has begun is never asked for again.
 */
export async function sendPatiently(
  request: UpstreamRequest,
  { upstream, gate }: Way,
  signal: AbortSignal,
): Promise<Reply> {
  for (let failures = 0; ; failures += 1) {
    if (failures > 0) await wait(backoffMs(failures), undefined, { signal });
    const reply = await sendThroughLimits(request, { upstream, gate }, signal);
    if (!isWorthAnotherTry(reply)) return reply;
    if (failures === mostFailures) return notAgain(reply);
  }
}

const mostFailures = 3;

function backoffMs(failures: number): number {
  return 250 * 2 ** failures * (0.5 + Math.random());
}

function isWorthAnotherTry(reply: Reply): boolean {
  return reply.kind === "failure" || (reply.kind === "refusal" && reply.status >= 500 && !isLimit(reply));
}

async function sendThroughLimits(
  request: UpstreamRequest,
  { upstream, gate }: Way,
  signal: AbortSignal,
): Promise<Reply> {
  for (;;) {
    const pass = await gate.pass(signal);
    const reply = await sendOnce(request, upstream, signal);
    if (reply.kind === "answer") gate.taken();
    if (reply.kind !== "refusal" || !isLimit(reply)) return reply;
    const kind = new JsonFields(parseJson(Buffer.from(reply.body).toString())).object("error").text("type");
    const retryMs = retryTime(reply.headers, Date.now());
    if (retryMs === undefined && reply.headers["x-should-retry"] === "false") return reply;
    if (!gate.refused({ status: reply.status, kind, retryMs, pass })) return notAgain(reply);
  }
}

/** The provider takes no requests for now, for whatever reason. */
function isLimit({ status, headers }: Extract<Reply, { kind: "refusal" }>): boolean {
  return status === 429 || status === 529 || (status === 503 && headers["retry-after"] !== undefined);
}

/** It was tried for long enough: the agent shall not begin anew. */
function notAgain(reply: Reply): Reply {
  return reply.kind === "refusal" ? { ...reply, headers: { ...reply.headers, "x-should-retry": "false" } } : reply;
}

async function sendOnce(request: UpstreamRequest, upstream: Upstream, signal: AbortSignal): Promise<Reply> {
  try {
    const answer = await upstream.send(request, signal);
    const status = answer.statusCode ?? 0;
    if (status < 400) return { kind: "answer", answer };
    return { kind: "refusal", status, headers: answer.headers, body: await readError(answer) };
  } catch (error) {
    signal.throwIfAborted();
    return { kind: "failure", error: describeFailure(error) };
  }
}

async function readError(answer: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes <= maxErrorBytes) chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const maxErrorBytes = 1 << 20;

/** Codes only: messages could quote what the operator keeps to himself. */
function describeFailure(error: unknown): ApiError {
  if (error instanceof SilentUpstream) {
    return { status: 504, type: "timeout_error", message: `The model's provider did not answer: ${error.message}.` };
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : "no reason given";
  const message = `The runner could not reach the model's provider (${code}); check ANTHROPIC_BASE_URL and its network.`;
  return { status: 502, type: "api_error", message };
}
