import { expect, test } from "vitest";
import { EndCause } from "#gen/job/v1/job_pb.js";
import { boundOutcome } from "./bounds.ts";

const share = { memoryBytes: 1.5 * 2 ** 30, maxProcesses: 64, diskBytes: 200 * 2 ** 20 };
const none = { memoryKills: 0, refusedProcesses: 0 };
const failed = { cause: EndCause.EXIT_CODE, exitCode: 2, message: "The command exited with code 2." };

test("work that failed where a bound was met failed by that, and the bound is named", () => {
  const memory = boundOutcome(failed, { ...none, memoryKills: 1 }, share);
  expect(memory).toMatchObject({ cause: EndCause.OUT_OF_MEMORY, exitCode: 2, message: /1\.5 GiB.*JOB_MEMORY_BYTES/ });
  const processes = boundOutcome(failed, { ...none, refusedProcesses: 9 }, share);
  expect(processes).toMatchObject({ cause: EndCause.PROCESS_LIMIT, message: /64 processes.*JOB_MAX_PROCESSES/ });
  const file = boundOutcome({ cause: EndCause.SIGNAL, signal: "SIGXFSZ" }, none, share);
  expect(file).toMatchObject({ cause: EndCause.DISK_FULL, message: /200 MiB.*JOB_DISK_BYTES/ });
});

test("work that succeeded all the same succeeded, and a failure of its own is its own", () => {
  const done = { cause: EndCause.COMPLETED, exitCode: 0 };
  expect(boundOutcome(done, { memoryKills: 1, refusedProcesses: 1 }, share)).toBe(done);
  expect(boundOutcome(failed, none, share)).toBe(failed);
  expect(boundOutcome(failed, undefined, share)).toBe(failed);
});
