import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";

/** The line between this page and the gateway it plays: it can be cut, mended, and made to refuse. */
export interface Line {
  readonly interceptor: Interceptor;
  /** Breaks every open stream; until it is mended every call fails with that error. */
  readonly cut: (error: ConnectError) => void;
  readonly mend: () => void;
  /** Lets calls wait, without an answer, until the line is mended. */
  readonly hold: () => void;
}

/** What a call meets when there is no network. */
export function unreachable(): ConnectError {
  return new ConnectError("the gateway cannot be reached", Code.Unavailable);
}

/** A line that is whole. */
export function createLine(): Line {
  let fault: ConnectError | undefined;
  let broken = new AbortController();
  let held: PromiseWithResolvers<void> | undefined;
  const interceptor: Interceptor = (next) => async (request) => {
    if (held) await Promise.race([held.promise, aborted(request.signal)]);
    if (fault) throw ConnectError.from(fault);
    const response = await next(request);
    return response.stream ? { ...response, message: breakable(response.message, broken.signal) } : response;
  };
  return {
    interceptor,
    cut: (error) => {
      fault = error;
      broken.abort(error);
    },
    mend: () => {
      fault = undefined;
      broken = new AbortController();
      held?.resolve();
      held = undefined;
    },
    hold: () => {
      held ??= Promise.withResolvers();
    },
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

async function* breakable<T>(messages: AsyncIterable<T>, broken: AbortSignal): AsyncIterable<T> {
  const reader = messages[Symbol.asyncIterator]();
  const breakage = Promise.withResolvers<never>();
  const fail = () => breakage.reject(broken.reason);
  broken.addEventListener("abort", fail);
  breakage.promise.catch(() => {
    // Whoever reads when the line breaks hears of it; nobody else needs to.
  });
  try {
    for (;;) {
      broken.throwIfAborted();
      const step = await Promise.race([reader.next(), breakage.promise]);
      if (step.done) return;
      yield step.value;
    }
  } finally {
    broken.removeEventListener("abort", fail);
    void reader.return?.();
  }
}
