/** Ctrl+C and its kin: the first asks for an orderly end, a second one for an end at once. */
export interface Interrupts {
  readonly first: AbortSignal;
  readonly second: AbortSignal;
}

/** Signals this close together are one: who signals a whole process group reaches us through our parent as well. */
const sameMs = 500;

/** Listens for the rest of this process's life. */
export function listenForInterrupts(source: NodeJS.EventEmitter = process, now = () => performance.now()): Interrupts {
  const first = new AbortController();
  const second = new AbortController();
  let firstMs = 0;
  const onSignal = () => {
    if (!first.signal.aborted) {
      firstMs = now();
      first.abort();
    } else if (now() - firstMs > sameMs) second.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) source.on(signal, onSignal);
  return { first: first.signal, second: second.signal };
}

/** Settles when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((settle) => {
    if (signal.aborted) settle();
    else signal.addEventListener("abort", () => settle(), { once: true });
  });
}
