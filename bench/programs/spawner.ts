/** `spawner.ts MIB`: a Node process of that size which spawns `echo` when told to, and says how long that took. */
import { spawn } from "node:child_process";
import { growTo } from "./ballast.ts";
import { waitedForCoreMs } from "./waiting.ts";

growTo(Number(process.argv[2]));
process.on("message", () => {
  const waitedMs = waitedForCoreMs();
  const startMs = performance.now();
  const child = spawn("/bin/echo", ["hello"], { stdio: ["ignore", "pipe", "inherit"] });
  const blockedMs = performance.now() - startMs - (waitedForCoreMs() - waitedMs);
  child.stdout.once("data", () => process.send?.({ blockedMs, firstByteMs: performance.now() - startMs }));
});
process.stdout.write("ready\n");
