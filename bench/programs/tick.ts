/** `tick.ts COUNT GAP_MS`: writes lines that begin with the time on the system's monotonic clock, in nanoseconds. */
import { writeSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

const [count, gapMs] = process.argv.slice(2).map(Number);
for (let line = 0; line < (count ?? 0); line += 1) {
  await wait(gapMs);
  writeSync(1, `${`${process.hrtime.bigint()} `.padEnd(119, ".")}\n`);
}
