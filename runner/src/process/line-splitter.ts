/** Cuts bytes into lines of bounded length. */
export class LineSplitter {
  readonly #maxBytes: number;
  readonly #emit: (line: { bytes: Uint8Array; truncated: boolean }) => void;
  #parts: Uint8Array[] = [];
  #length = 0;

  /** Lines longer than `maxBytes` are handed on cut there. The bytes of a line are valid only during the call. */
  constructor(maxBytes: number, emit: (line: { bytes: Uint8Array; truncated: boolean }) => void) {
    this.#maxBytes = maxBytes;
    this.#emit = emit;
  }

  push(data: Uint8Array): void {
    let start = 0;
    for (let end = data.indexOf(0x0a); end >= 0; end = data.indexOf(0x0a, start)) {
      this.#finish(data.subarray(start, end));
      start = end + 1;
    }
    if (start < data.length) this.#keep(data.slice(start));
  }

  /** Hands on the last line when its end never came. */
  end(): void {
    if (this.#length > 0) this.#finish(new Uint8Array(0));
  }

  #keep(part: Uint8Array): void {
    const room = this.#maxBytes - this.#bytesKept();
    if (room > 0) this.#parts.push(part.subarray(0, room));
    this.#length += part.length;
  }

  #finish(last: Uint8Array): void {
    const whole = this.#parts.length === 0 ? last : Buffer.concat([...this.#parts, last]);
    const truncated = this.#length + last.length > this.#maxBytes;
    this.#parts = [];
    this.#length = 0;
    this.#emit({ bytes: whole.subarray(0, this.#maxBytes), truncated });
  }

  #bytesKept(): number {
    return Math.min(this.#length, this.#maxBytes);
  }
}
