import { existsSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTask, logText, watchToEnd } from "./system/jobs.ts";
import { processesIn } from "./system/processes.ts";
import { startSystem, type TestSystem } from "./system/start-system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system.stop());

test("a system that was stopped leaves no process and no file", async () => {
  const { id } = await createTask(system, "trap '' INT TERM; echo started; while :; do sleep 1; done");
  await watchToEnd(system, id, { enough: (events) => logText(events) === "started\n" });
  const pids = [system.runner, system.gateway, { processes: processesIn(system.stateFolder) }].flatMap(
    ({ processes }) => [...processes.keys()],
  );
  await system.stop();
  expect(pids.filter((pid) => existsSync(`/proc/${pid}/exe`))).toEqual([]);
  expect(existsSync(system.stateFolder)).toBe(false);
});
