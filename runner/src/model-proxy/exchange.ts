import type { IncomingMessage, ServerResponse } from "node:http";
import { writeApiError } from "./api-error.ts";
import type { Budget } from "./budget.ts";
import { requestHeaders, responseHeaders } from "./headers.ts";
import type { MessageReport } from "./message-report.ts";
import { meterFor } from "./meter.ts";
import { maxRequestBytes, readBody, readModelRequest } from "./model-request.ts";
import { passOn } from "./pass-on.ts";
import { PatientAnswer } from "./patient-answer.ts";
import { costOf } from "./prices.ts";
import type { RateLimitGate } from "./rate-limit-gate.ts";
import { type Reply, sendPatiently } from "./send-patiently.ts";
import type { Upstream } from "./upstream.ts";

/** What a request costs, once it is over. */
export interface MeteredMessage {
  readonly report: MessageReport;
  readonly costMicros: number;
  readonly estimated: boolean;
  readonly requestId: string;
}

/** What the requests of a job share. */
export interface ExchangeOptions {
  readonly apiKey: string;
  readonly upstream: Upstream;
  readonly gate: RateLimitGate;
  readonly budget: Budget;
  /** How long the agent hears nothing before it is told that it waits. */
  readonly fillMs: number;
  /** A message is over, and the API has reported what it took. */
  readonly onMessage: (message: MeteredMessage) => void;
  /** The job ends. */
  readonly signal: AbortSignal;
}

/** Answers one request of the agent: waits until it may go, sends it on with the key, hands back the answer and meters it. */
export async function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  options: ExchangeOptions,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  // Followed by "close".
  response.on("error", () => undefined);
  const signal = AbortSignal.any([gone.signal, options.signal]);
  try {
    await answerRequest(request, response, { ...options, signal });
  } catch (error) {
    // Nobody is there any more who could be answered.
    if (!signal.aborted) throw error;
  } finally {
    if (!response.writableEnded) response.destroy();
  }
}

async function answerRequest(
  request: IncomingMessage,
  response: ServerResponse,
  options: ExchangeOptions,
): Promise<void> {
  const { apiKey, upstream, gate, budget, fillMs, signal } = options;
  const body = await readBody(request);
  if (body === undefined) {
    const message = `The request is larger than ${maxRequestBytes} bytes.`;
    writeApiError(response, { status: 413, type: "request_too_large", message });
    return;
  }
  const { isStream, worstMicros } = readModelRequest(body);
  const isFree = request.url?.startsWith(countPath) ?? false;
  const answer = new PatientAnswer(response, { isStream: isStream && !isFree, fillMs });
  try {
    const admission = isFree ? undefined : await budget.admit(worstMicros, signal);
    const headers = requestHeaders(request.headers, { apiKey, bytes: body.length });
    let costMicros = 0;
    try {
      const reply = await sendPatiently({ target: request.url ?? "", headers, body }, { upstream, gate }, signal);
      costMicros = await relay(reply, answer, options);
    } finally {
      admission?.settle(costMicros);
    }
  } finally {
    answer.stopWaiting();
  }
}

/** Path of a request that costs nothing. */
export const countPath = "/v1/messages/count_tokens";

/** Hands an answer to the agent, and answers what it cost. */
async function relay(reply: Reply, answer: PatientAnswer, { onMessage, signal }: ExchangeOptions): Promise<number> {
  switch (reply.kind) {
    case "failure":
      answer.fail(reply.error);
      return 0;
    case "refusal":
      answer.refuse(reply.status, responseHeaders(reply.headers), reply.body);
      return 0;
    case "answer":
      return await relayAnswer(reply.answer, answer, { onMessage, signal });
  }
}

async function relayAnswer(
  upstream: IncomingMessage,
  answer: PatientAnswer,
  { onMessage, signal }: Pick<ExchangeOptions, "onMessage" | "signal">,
): Promise<number> {
  const { statusCode = 200, headers } = upstream;
  const meter = meterFor(headers["content-type"] ?? "");
  answer.begin(statusCode, responseHeaders(headers));
  const end = await passOn(upstream, answer, { take: (bytes) => meter.take(bytes), gapMs, signal });
  const report = meter.read();
  const cost = report === undefined ? { micros: 0, estimated: false } : costOf(report.model, report.consumption);
  const requestId = headers["request-id"];
  if (report !== undefined) {
    onMessage({
      report,
      costMicros: cost.micros,
      estimated: cost.estimated,
      requestId: typeof requestId === "string" ? requestId : "",
    });
  }
  if (end === "whole") answer.end();
  else answer.cut();
  return cost.micros;
}

/** Too short for anybody to notice. */
const gapMs = 8;
