import { createHash } from "node:crypto";

const lineBytes = 120;
const linesPerBlock = 546;

/** Bytes in one write: as many whole lines as 64 KiB hold. */
export const blockBytes = lineBytes * linesPerBlock;

/** Lines of text, `total` bytes of them, in blocks. Each block is numbered, and overwritten by the next. */
export function* makeLines(total: number): Generator<Uint8Array> {
  const block = Buffer.from(
    `${"the quick brown fox jumps over the lazy dog ".repeat(3).slice(0, lineBytes - 1)}\n`.repeat(linesPerBlock),
  );
  for (let written = 0, index = 0; written < total; written += blockBytes, index += 1) {
    block.write(String(index).padStart(12, "0"), "latin1");
    yield block.subarray(0, total - written);
  }
}

/** SHA-256 of those lines. */
export function digestOfLines(total: number): string {
  const hash = createHash("sha256");
  for (const block of makeLines(total)) hash.update(block);
  return hash.digest("hex");
}
