/** `write-lines.ts BYTES`: writes lines as fast as they are taken, a block a write. */
import { writeSync } from "node:fs";
import { makeLines } from "./lines.ts";

for (const block of makeLines(Number(process.argv[2]))) {
  for (let written = 0; written < block.length; ) written += writeSync(1, block, written);
}
