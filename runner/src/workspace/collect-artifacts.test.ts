import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { identifyProcess, isAlive } from "../process/process-table.ts";
import { noSandbox } from "../sandbox/none.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { type ArtifactCollection, collectArtifacts } from "./collect-artifacts.ts";

const jobId = "job_artifacts0000000";
const home = process.cwd();

let data: string;
let workspace: string;
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "blazecraft-artifacts-"));
  workspace = join(data, "workspace");
  mkdirSync(workspace);
  process.chdir(data);
});
afterEach(() => {
  process.chdir(home);
  rmSync(data, { recursive: true });
});

test("files are kept by their content, one content once, and nothing else is left", async () => {
  for (const name of ["a", "b"]) writeFileSync(join(workspace, name), "the same");
  writeFileSync(join(workspace, "c"), "another");
  const { artifacts, skipped } = await collect();
  expect(artifacts).toEqual([artifact("a", "the same"), artifact("b", "the same"), artifact("c", "another")]);
  expect(skipped).toEqual([]);
  const kept = readdirSync(join("artifacts", jobId)).sort();
  expect(kept).toEqual([digest("another"), digest("the same")].map((sha256) => sha256.toString("hex")).sort());
  for (const name of kept) expect(digest(readFileSync(join("artifacts", jobId, name))).toString("hex")).toBe(name);
});

test("with nothing to keep, nothing is made", async () => {
  expect(await collect()).toEqual({ artifacts: [], skipped: [{ path: "*", reason: "No file matched." }] });
  expect(existsSync(join("artifacts", jobId))).toBe(false);
});

test("a file for which the disk has no room is left out, and the next one is looked at", async () => {
  for (const name of ["a", "b"]) writeFileSync(join(workspace, name), name.repeat(300_000));
  const full = { settings: { maxBytes: 1 << 30, minFreeBytes: Number.MAX_SAFE_INTEGER } };
  const reason = "The runner's disk is nearly full.";
  expect((await collect(full)).skipped).toEqual([
    { path: "a", reason },
    { path: "b", reason },
  ]);
});

test.each([
  ["that dies", 'echo "Error: it is tired" >&2; exit 3', "it is tired"],
  ["that says nothing about why", "exit 3", "it exited with 3"],
  ["that is killed", "kill -9 $$", "it was ended by SIGKILL"],
  [
    "that lies about where a file lies",
    `echo '{"path":"../../x","size":0}'; sleep 60`,
    "it sent a path that it may not",
  ],
  ["that ends within a file", `printf '{"path":"b","size":9}\\nxy'`, "it ended within a file"],
  ["that writes without end", "yes", "Unexpected token"],
])("of a sender %s it is told, and what came before is kept", async (_, script, why) => {
  const sandbox = scripted(`printf '{"path":"a","size":3}\\nabc'; ${script}`);
  const { artifacts, skipped } = await collect({ sandbox });
  expect(artifacts).toEqual([artifact("a", "abc")]);
  expect(skipped).toMatchObject([{ path: "", reason: expect.stringContaining(why) }]);
  expect(readdirSync(join("artifacts", jobId))).toEqual([digest("abc").toString("hex")]);
});

test("a sender that hangs is killed when its time is over, with whatever holds its output", async () => {
  const stop = new AbortController();
  const sandbox = scripted(
    `setsid sleep 1000 & echo $! > ${data}/pid; printf '{"path":"a","size":3}\\nabc'; sleep 1000`,
  );
  const collecting = collect({ sandbox, signal: stop.signal });
  await expect.poll(() => existsSync(join("artifacts", jobId, digest("abc").toString("hex")))).toBe(true);
  stop.abort();
  const { artifacts, skipped } = await collecting;
  expect(artifacts).toEqual([artifact("a", "abc")]);
  expect(skipped).toEqual([{ path: "", reason: "What sends the artifacts broke off: it took too long." }]);
  const survivor = identifyProcess(Number(readFileSync(join(data, "pid"), "utf8")));
  if (survivor !== undefined && isAlive(survivor)) process.kill(survivor.pid, "SIGKILL");
});

test("one that cannot be started is told", async () => {
  const sandbox: Sandbox = { ...noSandbox, confine: (command) => ({ ...command, argv: ["/nowhere/node"] }) };
  expect((await collect({ sandbox })).skipped).toMatchObject([{ reason: expect.stringContaining("ENOENT") }]);
});

function collect(more: Partial<ArtifactCollection> = {}) {
  const settings = { maxBytes: 1 << 30, minFreeBytes: 0 };
  const { signal } = new AbortController();
  return collectArtifacts({ jobId, sandbox: noSandbox, workspace, patterns: ["*"], settings, signal, ...more });
}

/** Runs a script in place of the sender. */
function scripted(script: string): Sandbox {
  const env = { PATH: "/usr/bin:/bin" };
  return { ...noSandbox, confine: (command) => ({ ...command, env, argv: ["sh", "-c", `exec >&9; ${script}`] }) };
}

function artifact(path: string, content: string) {
  return { path, size: BigInt(content.length), sha256: new Uint8Array(digest(content)) };
}

function digest(content: string | Buffer): Buffer {
  return createHash("sha256").update(content).digest();
}
