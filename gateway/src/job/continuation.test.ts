import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { EndCause, JobSchema, JobSpecSchema, JobState } from "#gen/job/v1/job_pb.js";
import { continuedByRetry, runnerToContinue } from "./continuation.ts";

const spec = create(JobSpecSchema, { repoRef: "acme/site", work: { case: "agent", value: { agent: "claude" } } });

function job(change: Exclude<MessageInitShape<typeof JobSchema>, { $typeName: string }> = {}) {
  return create(JobSchema, {
    id: "job_old",
    spec,
    placement: { runner: "vm-1" },
    status: { state: JobState.SUCCEEDED },
    ...change,
  });
}

test("a job is continued on the runner that ran it", () => {
  expect(runnerToContinue(spec, job())).toBe("vm-1");
});

test.each([
  ["runs", job({ status: { state: JobState.RUNNING } }), "job job_old is not finished"],
  ["never ran", create(JobSchema, { ...job(), placement: undefined }), "job job_old never ran"],
  ["is a task", job({ spec: { work: { case: "task", value: {} } } }), "job job_old is a task"],
  ["has another repository", job({ spec: { ...spec, repoRef: "acme/api" } }), "must be acme/api, as in job job_old"],
])("one that %s is not", (_, old, message) => {
  expect(() => runnerToContinue(spec, old)).toThrow(message);
});

test("a retry continues the job that has the session", () => {
  const outcome = (cause: EndCause) => ({ detail: { case: "outcome", value: { cause } } }) as const;
  const continues = "job_first";
  expect(continuedByRetry(job({ status: outcome(EndCause.AGENT_ERROR) }))).toBe("");
  expect(continuedByRetry(job({ continues, status: outcome(EndCause.AGENT_ERROR) }))).toBe("job_old");
  expect(continuedByRetry(job({ continues, status: outcome(EndCause.SESSION_LOST) }))).toBe(continues);
  const pending = create(JobSchema, {
    ...job({ continues, status: outcome(EndCause.CANCELED) }),
    placement: undefined,
  });
  expect(continuedByRetry(pending)).toBe(continues);
});
