import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EndCause } from "#gen/job/v1/job_pb.js";
import { startRequest } from "../../testing/jobs.ts";
import { identifyProcess } from "../process/process-table.ts";
import { writeOwner } from "../supervisor/job-directory.ts";
import { Attempt } from "./attempt.ts";

const home = process.cwd();
const order = { cause: EndCause.CANCELED, actor: null, graceMs: 1000 };
let directory: string;
let supervisor: ChildProcess;
let attempt: Attempt;

beforeEach(async () => {
  directory = mkdtempSync(`${tmpdir()}/blazecraft-attempt-`);
  process.chdir(directory);
  attempt = new Attempt(startRequest("true"), 1, { isNew: true });
  mkdirSync(attempt.directory.root, { recursive: true });
  // One that is stopped takes no orders, and no signal but SIGKILL.
  supervisor = spawn("sleep", ["600"]);
  supervisor.kill("SIGSTOP");
  const identity = identifyProcess(supervisor.pid ?? 0);
  if (identity === undefined) throw new Error("no supervisor");
  await writeOwner(attempt.directory, { supervisor: identity, slot: 1 });
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});

afterEach(() => {
  vi.useRealTimers();
  supervisor.kill("SIGKILL");
  process.chdir(home);
  rmSync(directory, { recursive: true });
});

test("a supervisor that does not end its job when told to is killed", async () => {
  attempt.stop(order);
  attempt.stop({ ...order, graceMs: 60_000 });
  vi.advanceTimersByTime(30_999);
  expect(identifyProcess(supervisor.pid ?? 0)).toBeDefined();
  vi.advanceTimersByTime(1);
  expect(await once(supervisor, "exit")).toEqual([null, "SIGKILL"]);
});

test("a supervisor that does not keep its job within its limits is killed", async () => {
  attempt.endWithin(5000);
  vi.advanceTimersByTime(5000);
  expect(await once(supervisor, "exit")).toEqual([null, "SIGKILL"]);
});

test("one that ended its job is left alone, and so is one that recovers it", () => {
  attempt.enterRecovery();
  attempt.stop(order);
  vi.advanceTimersByTime(31_000);
  attempt.finish(attempt.end);
  vi.advanceTimersByTime(3_600_000);
  expect(identifyProcess(supervisor.pid ?? 0)).toBeDefined();
});
