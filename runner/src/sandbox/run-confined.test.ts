import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import { identifyProcess, isAlive } from "../process/process-table.ts";
import { noSandbox } from "./none.ts";
import { type ConfinedRun, runConfined } from "./run-confined.ts";

const room = mkdtempSync(join(tmpdir(), "blazecraft-confined-"));
const { signal } = new AbortController();

afterAll(() => rmSync(room, { recursive: true }));

function run(script: string, more: Partial<ConfinedRun> = {}) {
  const command = {
    argv: ["sh", "-c", script] as const,
    env: { PATH: "/usr/bin:/bin" },
    directory: tmpdir(),
    writable: [],
    readable: [],
    network: "none",
  } as const;
  return runConfined(noSandbox, { command, signal, maxOutputBytes: 1 << 20, ...more });
}

test("what a command writes and how it ends is told", async () => {
  const result = await run("echo out; echo err >&2; exit 3");
  expect(result).toMatchObject({ exit: { kind: "exited", exitCode: 3 }, stderr: "err\n", isCut: false });
  expect(result.kind === "ended" && result.stdout.toString()).toBe("out\n");
});

test("a command reads what it is given, and nothing else", async () => {
  await expect(run("cat", { input: "words" })).resolves.toMatchObject({ stdout: Buffer.from("words") });
  await expect(run("cat")).resolves.toMatchObject({ stdout: Buffer.from("") });
});

test("one that writes too much is killed, and what it wrote first is told", async () => {
  const result = await run("yes", { maxOutputBytes: 10 });
  expect(result).toMatchObject({ exit: { kind: "signaled", signal: "SIGKILL" }, isCut: true });
  expect(result.kind === "ended" && result.stdout.toString()).toBe("y\ny\ny\ny\ny\n");
});

test("an abort kills it with all that it started", async () => {
  const stop = new AbortController();
  // It tells two process ids by way of a file, once both run.
  const file = join(room, "pids");
  const running = run(`sleep 60 & echo $$ $! > ${file}; wait`, { signal: stop.signal });
  const [shell, sleeper] = await vi.waitFor(() => {
    const pids = readFileSync(file, "utf8").trim().split(" ").map(Number);
    return pids.map((pid) => identifyProcess(pid) ?? expect.fail("it does not run"));
  }, 15_000);
  stop.abort(new Error("enough"));
  await expect(running).rejects.toThrow("enough");
  expect([shell, sleeper].map((identity) => identity && isAlive(identity))).toEqual([false, false]);
});

test("a program that is not there is told by its code", async () => {
  const command = {
    argv: ["no-such-program"] as const,
    env: {},
    directory: tmpdir(),
    writable: [],
    readable: [],
    network: "none",
  } as const;
  await expect(run("", { command })).resolves.toEqual({ kind: "unstartable", code: "ENOENT", stderr: "" });
});
