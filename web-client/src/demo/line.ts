import { Code, ConnectError } from "@connectrpc/connect";

/** The line between this page and the gateway it plays: it can be cut, mended, and kept silent. */
export interface Line {
  /** Lets a call through, as soon as one gets through. */
  readonly pass: (signal: AbortSignal) => Promise<void>;
  /** Carries a stream for as long as the line is whole and its reader wants it. */
  readonly carry: <T>(messages: AsyncIterable<T>, signal: AbortSignal) => AsyncIterable<T>;
  /** Breaks every open stream; until it is mended every call fails with that error. */
  readonly cut: (error: ConnectError) => void;
  /** Fails so many calls, and is whole again. */
  readonly failNext: (calls: number, error: ConnectError) => void;
  /** Lets calls wait, without an answer, until the line is mended. */
  readonly hold: () => void;
  readonly mend: () => void;
}

/** What a call meets when there is no network. */
export function unreachable(): ConnectError {
  return new ConnectError("the gateway cannot be reached", Code.Unavailable);
}

/** A line that is whole. */
export function createLine(): Line {
  let fault: ConnectError | undefined;
  const failures: ConnectError[] = [];
  let broken = new AbortController();
  let held: PromiseWithResolvers<void> | undefined;
  return {
    pass: async (signal) => {
      if (held) await Promise.race([held.promise, aborted(signal)]);
      const error = fault ?? failures.shift();
      if (error) throw error;
    },
    carry: (messages, signal) => carry(messages, AbortSignal.any([signal, broken.signal])),
    cut: (error) => {
      fault = error;
      broken.abort(error);
    },
    failNext: (calls, error) => {
      failures.push(...Array.from({ length: calls }, () => error));
    },
    hold: () => {
      held ??= Promise.withResolvers();
    },
    mend: () => {
      fault = undefined;
      broken = new AbortController();
      held?.resolve();
      held = undefined;
    },
  };
}

async function* carry<T>(messages: AsyncIterable<T>, end: AbortSignal): AsyncIterable<T> {
  const reader = messages[Symbol.asyncIterator]();
  const ended = aborted(end);
  try {
    for (;;) {
      end.throwIfAborted();
      const step = await Promise.race([reader.next(), ended]);
      if (step.done) return;
      yield step.value;
    }
  } finally {
    void reader.return?.();
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  promise.catch(() => {
    // Whoever waits when it is aborted hears of it; nobody else needs to.
  });
  return promise;
}
