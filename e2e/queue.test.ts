import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { JobState } from "#gen/job/v1/job_pb.js";
import { createTask } from "./system/jobs.ts";
import { startSystem, type TestSystem } from "./system/start-system.ts";

let system: TestSystem;

beforeAll(async () => {
  system = await startSystem({ runnerEnv: { MAX_CONCURRENT_JOBS: "3" }, isolation: "none" });
});
afterAll(() => system.stop());

/** What a watcher of the list sees until so many jobs have ended. */
async function watchList(count: number) {
  const ended = new Set<string>();
  const running = new Set<string>();
  const places = new Set<number>();
  let mostRunning = 0;
  for await (const { message } of system.jobs.watchJobs({})) {
    if (message.case !== "job") continue;
    const { id, status } = message.value;
    if (status?.detail.case === "pending") places.add(status.detail.value.position);
    if (status?.state === JobState.RUNNING) running.add(id);
    else running.delete(id);
    if (status?.state === JobState.SUCCEEDED) ended.add(id);
    mostRunning = Math.max(mostRunning, running.size);
    if (ended.size === count) break;
  }
  return { mostRunning, places };
}

// Each job notes how many are inside at that moment; the lock makes the count exact.
const counting = `
  locked() { flock ../../lock sh -c "$1"; }
  locked 'n=$(( $(cat ../../inside 2>/dev/null || echo 0) + 1 )); echo $n > ../../inside; echo $n >> ../../seen'
  sleep 0.02
  locked 'echo $(( $(cat ../../inside) - 1 )) > ../../inside'`;

test("two hundred jobs at once on three slots: never more than three run, all end, their places are shown", async () => {
  const creating = Promise.all(Array.from({ length: 200 }, () => createTask(system, counting)));
  const [{ mostRunning, places }] = await Promise.all([watchList(200), creating]);
  expect(mostRunning).toBeLessThanOrEqual(3);
  expect(Math.max(...places)).toBeGreaterThan(100);
  const seen = (await readFile(`${system.stateFolder}/runner/jobs/seen`, "utf8")).trim().split("\n").map(Number);
  expect(seen).toHaveLength(200);
  expect(Math.max(...seen)).toBeLessThanOrEqual(3);
}, 180_000);
