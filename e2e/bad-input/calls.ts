import type { Client } from "@connectrpc/connect";
import type { FleetService } from "#gen/fleet/v1/fleet_service_pb.js";
import { PermissionMode } from "#gen/job/v1/job_pb.js";
import type { JobService } from "#gen/job/v1/job_service_pb.js";

/** What a call can be made with. */
export interface Caller {
  readonly jobs: Client<typeof JobService>;
  readonly fleet: Client<typeof FleetService>;
  readonly finishedId: string;
}

/** A call, and how it is refused. */
export type BadCall = readonly [
  what: string,
  call: (caller: Caller) => Promise<unknown> | AsyncIterable<unknown>,
  answer: string,
];

const unknownId = "job_0000000000000000";
const spec = {
  repoRef: "test",
  work: { case: "task", value: { invocation: { case: "command", value: "true" } } },
} as const;

const ask = { jobId: "", askId: "ask_0000000000000000" };
const deny = { verdict: { case: "deny", value: {} } } as const;
const askNotFound = "not_found ask_not_found asks[0].ask_id";

function field(name: string): string {
  return `invalid_argument invalid_field ${name}`;
}

/** Calls of generated clients that are refused, whatever the protocol. */
export const calls: readonly BadCall[] = [
  ["a job without a spec", ({ jobs }) => jobs.createJob({}), field("spec")],
  ["a job without work", ({ jobs }) => jobs.createJob({ spec: { repoRef: "test" } }), field("spec.work")],
  [
    "a task without a command",
    ({ jobs }) => jobs.createJob({ spec: { ...spec, work: { case: "task", value: {} } } }),
    field("spec.task.invocation"),
  ],
  [
    "an unknown permission mode",
    ({ jobs }) => {
      const value = { agent: "claude", prompt: "x", permissionMode: 99 };
      return jobs.createJob({ spec: { ...spec, work: { case: "agent", value } } });
    },
    field("spec.agent.permission_mode"),
  ],
  [
    "a limit of no time",
    ({ jobs }) => jobs.createJob({ spec: { ...spec, limits: { wall: {} } } }),
    field("spec.limits.wall"),
  ],
  ["a key with a space", ({ jobs }) => jobs.createJob({ spec, idempotencyKey: "a b" }), field("idempotency_key")],
  [
    "a body that claims to be compressed",
    ({ jobs }) => jobs.createJob({ spec }, { headers: { "content-encoding": "gzip", "grpc-encoding": "gzip" } }),
    "invalid_argument unsupported_media_type",
  ],
  ["a wait of 61 s", ({ jobs }) => jobs.getJob({ id: unknownId, wait: { seconds: 61n } }), field("wait")],
  ["a malformed id", ({ jobs }) => jobs.watchJob({ id: "job_" }), field("id")],
  ["a job that is not there", ({ jobs }) => jobs.watchJob({ id: unknownId }), "not_found job_not_found id"],
  [
    "a cursor past the end",
    ({ jobs, finishedId }) => jobs.watchJob({ id: finishedId, afterSequence: 4_000_000 }),
    "out_of_range cursor_expired after_sequence",
  ],
  [
    "a revision past the newest",
    ({ jobs }) => jobs.watchJobs({ afterRevision: 4_000_000_000 }),
    "out_of_range cursor_expired after_revision",
  ],
  ["the state UNSPECIFIED", ({ jobs }) => jobs.listJobs({ states: [0] }), field("states[0]")],
  ["a page of 201", ({ jobs }) => jobs.listJobs({ pageSize: 201 }), field("page_size")],
  [
    "a foreign page token",
    ({ jobs }) => jobs.listJobs({ pageToken: "1-job_x" }),
    "invalid_argument cursor_expired page_token",
  ],
  [
    "a broken expression",
    ({ jobs, finishedId }) => jobs.readLog({ id: finishedId, search: "(", regex: true }),
    field("search"),
  ],
  [
    "an expression that looks behind",
    ({ jobs, finishedId }) => jobs.readLog({ id: finishedId, search: "(?<=a)b", regex: true }),
    field("search"),
  ],
  [
    "a search of 1 KiB and more",
    ({ jobs, finishedId }) => jobs.readLog({ id: finishedId, search: "x".repeat(1025) }),
    field("search"),
  ],
  [
    "a foreign page of a log",
    ({ jobs, finishedId }) => jobs.readLog({ id: finishedId, pageToken: "x" }),
    "invalid_argument cursor_expired page_token",
  ],
  [
    "the cancel of a finished job",
    ({ jobs, finishedId }) => jobs.cancelJob({ id: finishedId }),
    "failed_precondition job_finished",
  ],
  ["a runner at a file", ({ fleet }) => fleet.addRunner({ name: "a", url: "file:///etc/passwd" }), field("url")],
  ["a runner with a user", ({ fleet }) => fleet.addRunner({ name: "a", url: "https://u:p@vm.example" }), field("url")],
  [
    "a runner in plain HTTP elsewhere",
    ({ fleet }) => fleet.addRunner({ name: "a", url: "http://169.254.169.254" }),
    field("url"),
  ],
  [
    "a runner that is not there",
    ({ fleet }) => fleet.drainRunner({ name: "nobody" }),
    "not_found runner_not_found name",
  ],
  ["asks of a job that is not there", ({ jobs }) => jobs.listAsks({ jobId: unknownId }), "not_found job_not_found id"],
  [
    "a job's page token for asks",
    ({ jobs }) => jobs.listAsks({ pageToken: `1-${unknownId}` }),
    "invalid_argument cursor_expired page_token",
  ],
  ["a decision on nothing", ({ jobs }) => jobs.decideAsk({ decision: deny }), field("asks")],
  [
    "a decision without verdict",
    ({ jobs }) => jobs.decideAsk({ asks: [ask], decision: {} }),
    field("decision.verdict"),
  ],
  ["an ask that is not there", ({ jobs }) => jobs.decideAsk({ asks: [ask], decision: deny }), askNotFound],
  [
    "an ask of a job that is not there",
    ({ jobs }) => jobs.decideAsk({ asks: [{ ...ask, jobId: unknownId }], decision: deny }),
    askNotFound,
  ],
  [
    "an ask of a task",
    ({ jobs, finishedId }) => jobs.decideAsk({ asks: [{ ...ask, jobId: finishedId }], decision: deny }),
    askNotFound,
  ],
  ["a rule without verdict", ({ jobs }) => jobs.createAskRule({ rule: { rule: "Bash" } }), field("rule.verdict")],
  [
    "a rule that is not there",
    ({ jobs }) => jobs.revokeAskRule({ id: "rule_0000000000000000" }),
    "not_found rule_not_found id",
  ],
  ["a message of nothing", ({ jobs, finishedId }) => jobs.sendMessage({ id: finishedId }), field("action")],
  [
    "a message to a task",
    ({ jobs, finishedId }) => jobs.sendMessage({ id: finishedId, action: { case: "send", value: { text: "x" } } }),
    "failed_precondition not_supported id",
  ],
  [
    "a message to a job that is not there",
    ({ jobs }) => jobs.sendMessage({ id: unknownId, action: { case: "send", value: { text: "x" } } }),
    "not_found job_not_found id",
  ],
  ["no host", ({ jobs, finishedId }) => jobs.allowHost({ id: finishedId }), field("host")],
  [
    "a host for a finished job",
    ({ jobs, finishedId }) => jobs.allowHost({ id: finishedId, host: "example.com" }),
    "failed_precondition job_finished",
  ],
  ["no mode", ({ jobs, finishedId }) => jobs.setPermissionMode({ id: finishedId }), field("mode")],
  [
    "a mode for a task",
    ({ jobs, finishedId }) => jobs.setPermissionMode({ id: finishedId, mode: PermissionMode.ASK }),
    "failed_precondition not_supported id",
  ],
];
