import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { trashDirectory } from "../supervisor/job-directory.ts";
import { type SessionRecord, sessionRoot, writeSession } from "../supervisor/session-directory.ts";
import { WorkspacePool } from "../workspace/workspace-pool.ts";
import { Sessions } from "./sessions.ts";

const [first, second, third] = ["job_first00000000000", "job_second0000000000", "job_third00000000000"] as const;
const home = process.cwd();

let directory: string;
let sessions: Sessions;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "blazecraft-sessions-"));
  process.chdir(directory);
  mkdirSync(trashDirectory);
  const pool = new WorkspacePool({ maxKept: 0, keepMs: 0 }, join(directory, trashDirectory), () => 0);
  sessions = new Sessions({ keepMs: 1000, maxKept: 9 }, pool, () => 0);
});
afterEach(() => {
  process.chdir(home);
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
});

test.each([
  ["its last job", { jobId: first, takers: {} }, first, false],
  ["a job that another one goes on with", { jobId: first, takers: { [first]: second } }, first, true],
  ["a job that another one has gone on with", { jobId: second, takers: { [first]: second } }, first, true],
  ["the last of several", { jobId: second, takers: { [first]: second } }, second, false],
  ["a job that never had it", { jobId: first, takers: {} }, third, true],
])("what happens to a session when one forgets %s", (_, record, forgotten, isKept) => {
  mkdirSync(sessionRoot(first));
  writeSession(first, { ...ended, ...record });
  sessions.forget(forgotten);
  expect(existsSync(sessionRoot(first))).toBe(isKept);
});

const ended: Omit<SessionRecord, "jobId" | "takers"> = {
  agent: "claude",
  sessionId: "",
  repoRef: "test",
  commit: "",
  endedMs: 0,
};
