import type { OutputListener } from "../process/start-process.ts";

/** Output that came before anybody wanted it, in order, up to a limit. */
export class HeldBack {
  readonly #maxBytes: number;
  readonly #onOverflow: () => void;
  #chunks: { readonly stream: "stdout" | "stderr"; readonly data: Uint8Array }[] = [];
  #bytes = 0;
  #listener: OutputListener | undefined;

  /** What goes beyond the limit is dropped, and said so. */
  constructor(maxBytes: number, onOverflow: () => void) {
    this.#maxBytes = maxBytes;
    this.#onOverflow = onOverflow;
  }

  readonly take: OutputListener = (stream, data) => {
    if (this.#listener !== undefined) {
      this.#listener(stream, data);
      return;
    }
    this.#bytes += data.length;
    if (this.#bytes > this.#maxBytes) this.#onOverflow();
    else this.#chunks.push({ stream, data: data.slice() });
  };

  /** Hands on what came, and from now on what comes. */
  release(listener: OutputListener): void {
    this.#listener = listener;
    for (const { stream, data } of this.#chunks.splice(0)) listener(stream, data);
  }
}
