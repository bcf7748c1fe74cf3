import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";

test("a group outlives neither the guarded process nor kill -9", async () => {
  const guard = pathToFileURL(join(import.meta.dirname, "guard.ts")).href;
  const source = `
    import { spawn } from "node:child_process";
    import { openGuard } from "${guard}";
    const start = () => spawn("sleep", ["30"], { detached: true, stdio: ["ignore", "inherit", "inherit"] }).pid;
    const guard = openGuard();
    const [ended, left] = [start(), start()];
    guard.watch(ended);
    guard.watch(left);
    process.kill(-ended, "SIGKILL");
    guard.forget(ended);
    process.kill(process.pid, "SIGKILL");`;
  const guarded = spawn(process.execPath, ["--input-type=module", "-e", source], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  // The pipe closes when the last process that holds it has ended, the sleeping group included.
  const [, [, signal]] = await Promise.all([once(guarded.stdout.resume(), "close"), once(guarded, "exit")]);
  expect(signal).toBe("SIGKILL");
});
