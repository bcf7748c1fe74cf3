import { createHash } from "node:crypto";
import { envelopePrefixBytes, messageFlag, readBatchHeader } from "#protocol/envelope.ts";

/** Takes bytes as they come and finds out whether they are the right ones. */
export class DigestReader {
  readonly #hash = createHash("sha256");
  #bytes = 0;

  take(data: Uint8Array): void {
    this.#hash.update(data);
    this.#bytes += data.length;
  }

  /** Throws unless exactly the bytes with this SHA-256 came. */
  expect(sha256: string): void {
    const digest = this.#hash.digest("hex");
    if (digest !== sha256) throw new Error(`${this.#bytes} bytes came with SHA-256 ${digest} instead of ${sha256}`);
  }
}

/** Notes how old the lines of `tick.ts` are when they come. */
export class AgeReader {
  readonly agesMs: number[] = [];
  #rest = "";

  take(data: Uint8Array): void {
    const now = process.hrtime.bigint();
    const lines = (this.#rest + Buffer.from(data).toString("latin1")).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.agesMs.push(Number(now - BigInt(line.slice(0, line.indexOf(" ")))) / 1e6);
  }
}

/** Steps over the envelopes of a watch, looking at nothing but the heads of batches: what costs a client least. */
export class EnvelopeWalker {
  #next = 1;
  #skip = 0;
  #head: Uint8Array = new Uint8Array(0);
  #isOver = false;

  /** Throws when an event is missing or comes twice. */
  take(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.length > 0) {
      const skipped = Math.min(this.#skip, rest.length);
      this.#skip -= skipped;
      rest = this.#readHead(rest.subarray(skipped));
    }
  }

  /** Throws unless the stream said that it is over. */
  expectEnd(): void {
    if (!this.#isOver) throw new Error(`the stream broke off before event ${this.#next}`);
  }

  /** Takes as much as it needs to know the next envelope, and returns what is behind that. */
  #readHead(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) return bytes;
    const head = this.#head.length === 0 ? bytes : Buffer.concat([this.#head, bytes]);
    const taken = this.#head.length;
    this.#head = head;
    if (head.length < envelopePrefixBytes) return bytes.subarray(bytes.length);
    const length = new DataView(head.buffer, head.byteOffset).getUint32(1);
    const needed = envelopePrefixBytes + Math.min(length, maxHeadBytes);
    if (head.length < needed) return bytes.subarray(bytes.length);
    if (head[0] !== messageFlag) this.#isOver = true;
    else this.#count(head.subarray(envelopePrefixBytes, needed));
    this.#head = new Uint8Array(0);
    this.#skip = envelopePrefixBytes + length - needed;
    return bytes.subarray(needed - taken);
  }

  #count(message: Uint8Array): void {
    const header = readBatchHeader(message);
    if (header === undefined) return;
    if (header.firstSequence !== this.#next) {
      throw new Error(`event ${header.firstSequence} came where ${this.#next} was due`);
    }
    this.#next += header.count;
  }
}

/** More than the header of a batch ever has. */
const maxHeadBytes = 128;
