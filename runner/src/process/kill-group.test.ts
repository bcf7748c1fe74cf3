import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import { identifyProcess } from "./process-table.ts";

vi.setConfig({ testTimeout: 30_000 });

const nobody = 65534;
const module = fileURLToPath(new URL("./kill-group.ts", import.meta.url));
const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
});

function start(program: string, args: readonly string[], options: Parameters<typeof spawn>[2] = {}): ChildProcess {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"], ...options });
  running.push(child);
  return child;
}

/** What an expression on the module comes to in a process of this user. */
async function evaluate(expression: string, uid: number): Promise<unknown> {
  const code = `const { killSurvivors, signalGroup } = await import(${JSON.stringify(module)});
    process.stdout.write(JSON.stringify(await ${expression}));`;
  const child = start(process.execPath, ["--input-type=module", "--eval", code], { uid });
  const parts: string[] = [];
  child.stdout?.setEncoding("utf8").on("data", (text: string) => parts.push(text));
  await once(child, "close");
  return JSON.parse(parts.join(""));
}

// Only root can start processes of two users.
test.runIf(process.getuid?.() === 0)("a process that may not be signaled is named, not waited for", async () => {
  const leader = start("sleep", ["600"], { detached: true });
  const { pid = 0 } = leader;
  const identity = JSON.stringify(identifyProcess(pid));
  expect(await evaluate(`signalGroup(${pid}, "SIGTERM")`, nobody)).toBe(false);
  expect(await evaluate(`killSurvivors(["job_0"], ${identity})`, nobody)).toEqual([pid]);
  expect(await evaluate(`killSurvivors(["job_0"], ${identity})`, 0)).toEqual([]);
});
