/**
 * Loaded into a runner in front of its own modules: grows it to BENCH_RESIDENT_MIB, and on "start" and "stop" measures the
 * longest turn of its event loop between the two.
 */
import { growTo } from "./ballast.ts";
import { waitedForCoreMs } from "./waiting.ts";

growTo(Number(process.env.BENCH_RESIDENT_MIB));
let isMeasuring = false;
let longestMs = 0;
let begin = { atMs: 0, waitedMs: 0 };

process.on("message", (message) => {
  isMeasuring = message === "start";
  if (isMeasuring) {
    longestMs = 0;
    begin = now();
    setImmediate(turn);
  } else process.send?.({ longestMs });
});
// The runner is to end as it does without this.
process.channel?.unref();

function turn(): void {
  const end = now();
  longestMs = Math.max(longestMs, end.atMs - begin.atMs - (end.waitedMs - begin.waitedMs));
  begin = end;
  if (isMeasuring) setImmediate(turn);
}

function now() {
  return { atMs: performance.now(), waitedMs: waitedForCoreMs() };
}
