import { chownSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openOutputPipes } from "../process/pipe.ts";
import { findJobProcesses, jobMarker } from "../process/process-table.ts";
import { type StartedProcess, startProcess } from "../process/start-process.ts";
import { Bubblewrap } from "./bubblewrap.ts";
import { NetworkNamespace } from "./network-namespace.ts";
import { runConfined } from "./run-confined.ts";
import type { ConfinedCommand } from "./sandbox.ts";

const user = process.getuid?.() === 0 ? { uid: 1_900_000_003, gid: 1_900_000_003 } : undefined;
const workspace = mkdtempSync(join(tmpdir(), "blazecraft-box-"));
const marker = "job_of_these_tests";
const { signal } = new AbortController();
let network: NetworkNamespace;
let sandbox: Bubblewrap;

beforeAll(async () => {
  if (user !== undefined) chownSync(workspace, user.uid, user.gid);
  network = await NetworkNamespace.open();
  sandbox = new Bubblewrap({ user, network, readable: [], prefix: [], without: [] });
});

afterAll(() => {
  network[Symbol.dispose]();
  rmSync(workspace, { recursive: true, force: true });
});

function commandOf(script: string, more: Partial<ConfinedCommand> = {}): ConfinedCommand {
  return {
    argv: ["sh", "-c", script],
    env: { PATH: "/usr/bin:/bin", HOME: workspace, [jobMarker]: marker },
    directory: workspace,
    writable: [workspace],
    readable: [],
    network: "proxied",
    ...more,
  };
}

async function run(script: string, more: Partial<ConfinedCommand> = {}) {
  const result = await runConfined(sandbox, { command: commandOf(script, more), signal, maxOutputBytes: 1 << 20 });
  if (result.kind === "unstartable") return result;
  return { ...result, stdout: result.stdout.toString() };
}

/** Starts a script and waits until it has written a line. */
async function start(script: string): Promise<{ readonly process: StartedProcess; readonly output: () => string }> {
  const [pipes] = await openOutputPipes(workspace, 1);
  if (pipes === undefined) throw new Error("there are no pipes");
  let output = "";
  const onOutput = (_: string, data: Uint8Array) => {
    output += Buffer.from(data).toString();
  };
  const command = sandbox.confine(commandOf(script));
  const started = await startProcess({ command, stdin: "none", ...pipes, stdoutGapMs: 0, onOutput });
  if (started.kind === "unstartable") throw new Error(started.code);
  await vi.waitFor(() => expect(output).toContain("\n"), { timeout: 10_000 });
  return { process: started.process, output: () => output };
}

function processesLeft(): readonly number[] {
  return findJobProcesses([marker], undefined);
}

describe("a command in a box", () => {
  test.each([
    ["exit 0", { kind: "exited", exitCode: 0 }],
    ["exit 7", { kind: "exited", exitCode: 7 }],
    ["exit 255", { kind: "exited", exitCode: 255 }],
    ["kill -TERM $$", { kind: "signaled", signal: "SIGTERM" }],
    ["kill -SEGV $$", { kind: "signaled", signal: "SIGSEGV" }],
  ])("%s ends as it ends without one", async (script, exit) => {
    expect(await run(script)).toMatchObject({ exit });
  });

  test("finds its directory, its environment and no descriptor of what built its box", async () => {
    const env = { PATH: "/usr/bin:/bin", GREETING: "it's\n$HOME" };
    const result = await run("pwd; env -0 -u PWD | sort -z | tr '\\0' ';'; ls /proc/self/fd | grep -x '[4-9]'", {
      env,
      network: "none",
    });
    expect(result).toMatchObject({ stdout: `${workspace}\nGREETING=it's\n$HOME;PATH=/usr/bin:/bin;` });
  });

  test("writes where it may, as its own user, and nowhere else", async () => {
    const result = await run(
      "echo one > made; echo two > /made; echo three > /usr/made; echo four > /etc/made; id -un",
    );
    expect(result).toMatchObject({ stdout: "job\n" });
    expect(readFileSync(join(workspace, "made"), "utf8")).toBe("one\n");
    expect(statSync(join(workspace, "made")).uid).toBe(user?.uid ?? process.getuid?.());
    const refusals = "stderr" in result ? result.stderr.trim().split("\n") : [];
    expect(refusals).toHaveLength(3);
  });

  test("cannot have what builds its box run anything for it", async () => {
    const directory = mkdtempSync(join(workspace, "debug-"));
    if (user !== undefined) chownSync(directory, user.uid, user.gid);
    // The loader of each program that heeds this writes a file, as whoever the program is.
    const env = { PATH: "/usr/bin:/bin", LD_DEBUG: "files", LD_DEBUG_OUTPUT: join(directory, "by") };
    await run("true", { env });
    const writers = readdirSync(directory).map((name) => statSync(join(directory, name)).uid);
    expect([...new Set(writers)]).toEqual([user?.uid ?? process.getuid?.()]);
  });

  test.each([
    ["no-such-program", "ENOENT"],
    ["./no-such-file", "ENOENT"],
    ["/etc/passwd", "EACCES"],
    ["/usr", "EACCES"],
  ])("that is %s is unstartable for the reason that it is without one", async (program, code) => {
    expect(await run("", { argv: [program] })).toMatchObject({ kind: "unstartable", code });
  });

  test("that cannot be boxed is unstartable, and it is told why", async () => {
    const missing = join(workspace, "missing");
    const result = await run("true", { writable: [workspace, missing] });
    expect(result).toMatchObject({ kind: "unstartable", code: "EBOX", stderr: expect.stringContaining("missing") });
  });
});

describe("a box", () => {
  test("hands SIGTERM to what runs in it, which may take its time", async () => {
    const { process, output } = await start("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.01; done");
    expect(process.signal("SIGTERM")).toBe(true);
    expect(await process.exited).toEqual({ kind: "exited", exitCode: 3 });
    await process.drained(2000);
    // The shell says of the sleep that was ended with it.
    expect(output()).toMatch(/^up\n(Terminated\n)?bye\n$/);
    process.close();
  });

  test("ends by SIGKILL with all that is in it, wherever that went", async () => {
    const { process } = await start("trap '' TERM; setsid sh -c 'sleep 600 & sleep 600' & echo up; wait");
    expect(processesLeft().length).toBeGreaterThan(2);
    process.signal("SIGKILL");
    expect(await process.exited).toEqual({ kind: "signaled", signal: "SIGKILL" });
    await vi.waitFor(() => expect(processesLeft()).toEqual([]), { timeout: 10_000 });
    process.close();
  });

  test("leaves nothing of what its command left", async () => {
    const { process } = await start("setsid sleep 600 & echo up; sleep 0.05; exit 0");
    expect(await process.exited).toEqual({ kind: "exited", exitCode: 0 });
    await vi.waitFor(() => expect(processesLeft()).toEqual([]), { timeout: 10_000 });
    process.close();
  });

  test("is of whoever has a directory, when it is asked to be", async () => {
    if (user === undefined) return expect(sandbox.forOwnerOf(workspace)).toBe(sandbox);
    const directory = mkdtempSync(join(workspace, "other-"));
    chownSync(directory, 1_900_000_009, 1_900_000_009);
    expect(sandbox.forOwnerOf(directory).user).toEqual({ uid: 1_900_000_009, gid: 1_900_000_009 });
    expect(() => sandbox.forOwnerOf("/")).toThrow("nobody's but the runner's");
  });
});
