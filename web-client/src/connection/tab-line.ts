/** The line between the tabs of one browser that show the same gateway. */
export interface TabLine {
  /** True for the one tab that is to read for all; the others are told when it is gone. */
  readonly isFirst: Promise<boolean>;
  /** Settles when this tab is to read for all. */
  readonly becomesFirst: Promise<void>;
  readonly post: (bytes: Uint8Array<ArrayBuffer>) => void;
  /** Everything that the first tab posts from now on, until the signal aborts. */
  readonly listen: (signal: AbortSignal) => AsyncIterable<Uint8Array<ArrayBuffer>>;
}

/** A line by that name; undefined where the browser has no locks, as away from https and localhost. */
export function openTabLine(name: string): TabLine | undefined {
  if (!("locks" in navigator) || !("BroadcastChannel" in globalThis)) return undefined;
  const channel = new BroadcastChannel(name);
  const forever = new Promise<void>(() => {});
  const isFirst = new Promise<boolean>((resolve) => {
    void navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock ? forever : undefined;
    });
  });
  const becomesFirst = isFirst.then(async (first) => {
    if (first) return;
    await new Promise<void>((resolve) => {
      void navigator.locks.request(name, () => {
        resolve();
        return forever;
      });
    });
  });
  return {
    isFirst,
    becomesFirst,
    post: (bytes) => channel.postMessage(bytes),
    listen: (signal) => listen(channel, signal),
  };
}

/** Most messages held for a reader that is slow; past it the reader begins anew. */
const maxHeld = 10_000;

function listen(channel: BroadcastChannel, signal: AbortSignal): AsyncIterable<Uint8Array<ArrayBuffer>> {
  const held: Uint8Array<ArrayBuffer>[] = [];
  let wake = () => {};
  channel.addEventListener(
    "message",
    ({ data }) => {
      if (data instanceof Uint8Array) held.push(new Uint8Array(data));
      wake();
    },
    { signal },
  );
  signal.addEventListener("abort", () => wake(), { once: true });
  return {
    async *[Symbol.asyncIterator]() {
      while (!signal.aborted) {
        if (held.length > maxHeld) throw new Error(`${held.length} messages of another tab wait to be read`);
        const next = held.shift();
        if (next) yield next;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    },
  };
}
