import { Code, ConnectError } from "@connectrpc/connect";
import type { Link } from "./link.ts";
import { pause } from "./pause.ts";
import type { Surroundings } from "./surroundings.ts";

const openLimitMs = 10_000;
const silenceLimitMs = 25_000;
const shortestPauseMs = 500;
const longestPauseMs = 30_000;
/** A stream that lived this long was well; the next break starts with short pauses again. */
const steadyMs = 10_000;

/** A stream that can be read on from where its reader stands. */
export interface Readable<M> {
  /** Opens the stream after what was taken so far. */
  readonly open: (signal: AbortSignal) => AsyncIterable<M>;
  /** Takes one message. What it throws counts as a break: the stream is opened again. */
  readonly take: (message: M) => void;
  /** True once nothing more will come. */
  readonly isComplete: () => boolean;
  /** The gateway no longer knows the place the reader stands at: forget it and begin anew. */
  readonly restart: () => void;
  /** Hears how the stream stands. */
  readonly report: (link: Link) => void;
}

/**
 * Reads a stream until it is complete, the gateway refuses it, or the signal aborts; whatever else ends it, it is opened
 * again after a pause that doubles from 0.5 s to 30 s with full jitter and that any wake-up cuts short. A stream that
 * does not begin within 10 s or is silent for 25 s counts as broken. Without the right to read it waits for a wake-up.
 */
export async function follow<M>(stream: Readable<M>, around: Surroundings, signal: AbortSignal): Promise<void> {
  let failures = 0;
  let brokenSince: number | undefined;
  stream.report({ kind: "connecting" });
  while (!signal.aborted) {
    const reading = await readOnce(stream, around, signal);
    if (signal.aborted) return;
    if (reading.kind === "complete") {
      stream.report({ kind: "complete" });
      return;
    }
    const verdict = judge(reading.error);
    if (verdict.kind === "refused") {
      stream.report(verdict);
      return;
    }
    if (verdict.kind === "restart") stream.restart();
    if (verdict.kind === "signed_out" || verdict.kind === "forbidden") {
      stream.report(verdict);
      await pause(undefined, around, signal);
      continue;
    }
    if (reading.livedMs > 0) brokenSince = undefined;
    brokenSince ??= around.now();
    if (reading.silent) {
      stream.report({ kind: "stale" });
      failures = 0;
      continue;
    }
    failures = reading.livedMs >= steadyMs ? 1 : failures + 1;
    const pauseMs = around.random() * Math.min(longestPauseMs, shortestPauseMs * 2 ** (failures - 1));
    stream.report(
      around.isOnline()
        ? { kind: "reconnecting", attempt: failures, retryAt: around.now() + pauseMs, since: brokenSince }
        : { kind: "offline", since: brokenSince },
    );
    await pause(pauseMs, around, signal);
  }
}

type Reading =
  | { readonly kind: "complete" }
  | { readonly kind: "broken"; readonly error: unknown; readonly silent: boolean; readonly livedMs: number };

async function readOnce<M>(stream: Readable<M>, around: Surroundings, signal: AbortSignal): Promise<Reading> {
  const stop = new AbortController();
  const abort = () => stop.abort();
  signal.addEventListener("abort", abort);
  let firstHeardAt: number | undefined;
  let silent = false;
  let calm = around.after(openLimitMs, abort);
  const lived = () => (firstHeardAt === undefined ? 0 : Math.max(1, around.now() - firstHeardAt));
  try {
    for await (const message of stream.open(AbortSignal.any([signal, stop.signal]))) {
      calm();
      calm = around.after(silenceLimitMs, () => {
        silent = true;
        abort();
      });
      if (firstHeardAt === undefined) stream.report({ kind: "live" });
      firstHeardAt ??= around.now();
      stream.take(message);
    }
    if (stream.isComplete()) return { kind: "complete" };
    return { kind: "broken", error: undefined, silent, livedMs: lived() };
  } catch (error) {
    // Any failure is judged in one place, follow().
    return { kind: "broken", error, silent, livedMs: lived() };
  } finally {
    calm();
    signal.removeEventListener("abort", abort);
    stop.abort();
  }
}

type Verdict =
  | { readonly kind: "again" }
  | { readonly kind: "restart" }
  | { readonly kind: "signed_out" }
  | { readonly kind: "forbidden"; readonly message: string }
  | { readonly kind: "refused"; readonly message: string };

function judge(error: unknown): Verdict {
  if (!(error instanceof ConnectError)) return { kind: "again" };
  switch (error.code) {
    case Code.Unauthenticated:
      return { kind: "signed_out" };
    case Code.PermissionDenied:
      return { kind: "forbidden", message: error.rawMessage };
    case Code.OutOfRange:
      return { kind: "restart" };
    case Code.InvalidArgument:
    case Code.NotFound:
    case Code.FailedPrecondition:
    case Code.Unimplemented:
      return { kind: "refused", message: error.rawMessage };
    default:
      return { kind: "again" };
  }
}
