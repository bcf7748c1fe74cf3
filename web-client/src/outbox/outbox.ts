import { Code, ConnectError } from "@connectrpc/connect";
import { effect, type ReadonlySignal, signal } from "@preact/signals";
import { findProblem } from "#protocol/problem.ts";
import type { Surroundings } from "../connection/surroundings.ts";
import { specTitle } from "../jobs/job-words.ts";
import type { Gateway } from "../transport.ts";

/** How long a call that got nowhere rests at least, so that a gateway that is just starting is not hammered. */
const restMs = 2_000;

/** A call that waits for the connection. */
export interface WaitingCall {
  readonly title: string;
  /** Gives it up; whoever made it is told. */
  readonly withdraw: () => void;
}

/** Calls that could not be sent, in the order in which they were made. */
export interface Outbox {
  readonly waiting: ReadonlySignal<readonly WaitingCall[]>;
  /** Makes a call, again and again until the gateway was reached or the call is withdrawn. */
  readonly send: <T>(title: string, call: () => Promise<T>) => Promise<T>;
}

/** What an outbox needs from the page. */
export interface OutboxPorts {
  readonly after: Surroundings["after"];
  /** Whether calls get through now; read as a signal. */
  readonly isLive: () => boolean;
}

/** An outbox with nothing in it. It lives as long as the page; what was typed is kept by the forms it was typed in. */
export function createOutbox({ after, isLive }: OutboxPorts): Outbox {
  const waiting = signal<readonly WaitingCall[]>([]);
  const untilLive = (title: string) =>
    new Promise<void>((resolve, reject) => {
      let leave = () => {};
      const settle = (then: () => void) => {
        leave();
        waiting.value = waiting.peek().filter((other) => other !== call);
        then();
      };
      const call = { title, withdraw: () => settle(() => reject(new ConnectError("it was withdrawn", Code.Canceled))) };
      waiting.value = [...waiting.peek(), call];
      leave = after(restMs, () => {
        leave = effect(() => {
          if (isLive()) queueMicrotask(() => settle(resolve));
        });
      });
    });
  return {
    waiting,
    send: async (title, call) => {
      for (;;) {
        try {
          return await call();
        } catch (error) {
          if (!gotNowhere(error)) throw error;
          await untilLive(title);
        }
      }
    },
  };
}

/** True when nobody answered: what the gateway itself refuses names a problem. */
function gotNowhere(error: unknown): boolean {
  const refusal = ConnectError.from(error);
  return refusal.code === Code.Unavailable && !findProblem(refusal);
}

/**
 * The service, with an outbox for what is worth sending later. Each of these calls may be made twice: it has a key, or
 * changes nothing the second time. A decision is not among them: an ask that nobody answers is denied, and an answer that
 * comes late must not be a surprise.
 */
export function throughOutbox(jobs: Gateway["jobs"], { send }: Outbox): Gateway["jobs"] {
  return {
    ...jobs,
    createJob: (request, options) => {
      const title = request.spec?.$typeName ? specTitle(request.spec) : "";
      return send(`New job: ${title}`, () => jobs.createJob(request, options));
    },
    retryJob: (request, options) => send("Retry", () => jobs.retryJob(request, options)),
    cancelJob: (request, options) => send("Stop", () => jobs.cancelJob(request, options)),
    sendMessage: (request, options) => {
      const text = request.action?.case === "send" ? request.action.value.text : "";
      return send(`Message: ${text}`, () => jobs.sendMessage(request, options));
    },
  };
}
