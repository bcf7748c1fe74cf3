import { mkdirSync, rmSync } from "node:fs";
import { create, fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { StartJobRequestSchema } from "#gen/runner/v1/runner_service_pb.js";
import { openOutputPipes } from "../process/pipe.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { EventWriter } from "../spool/event-writer.ts";
import { Fingerprint } from "../spool/fingerprint.ts";
import { Redaction } from "../spool/redact.ts";
import { type JobDirectory, jobDirectoryAt, trashDirectory } from "./job-directory.ts";
import { runJob } from "./run-job.ts";
import { StopSignal } from "./stop-signal.ts";

/**
 * Runs a job that does nothing and tells nobody. Code runs several times slower when it runs for the first time; a spare
 * has the time for that, the first job that it gets has not.
 */
export async function rehearseJob(sandbox: Sandbox): Promise<void> {
  const directory = jobDirectoryAt(`${trashDirectory}/rehearsal-${process.pid}`);
  try {
    await performRehearsal(directory, sandbox);
  } catch (error) {
    // A full disk must not keep spares from cleaning up behind what filled it.
    process.stderr.write(`rehearsal failed: ${error instanceof Error ? error.message : String(error)}\n`);
  } finally {
    rmSync(directory.root, { recursive: true, force: true });
  }
}

async function performRehearsal(directory: JobDirectory, sandbox: Sandbox): Promise<void> {
  const request = fromJsonString(StartJobRequestSchema, toJsonString(StartJobRequestSchema, rehearsal));
  const [pipes] = await openOutputPipes(".", 1);
  if (request.spec === undefined || pipes === undefined) return;
  for (const path of [directory.root, directory.home, directory.tmp]) mkdirSync(path, { mode: 0o700 });
  const redaction = new Redaction(["rehearsal"]);
  const writer = new EventWriter({
    firstSequence: 1,
    log: { stdoutOffset: 0, stderrOffset: 0, lines: 0 },
    fingerprint: new Fingerprint(),
    redaction,
    maxLogBytes: 65_536,
    heldDirectory: directory.held,
    append: () => undefined,
  });
  await runJob({
    request,
    spec: request.spec,
    directory,
    slot: 1,
    settings,
    sandbox,
    fetcher: sandbox,
    network: undefined,
    cgroup: undefined,
    takePipes: () => pipes,
    warm: undefined,
    writer,
    redaction,
    stop: new StopSignal(),
    line: { onSteering: () => undefined, answer: () => undefined, onWork: () => undefined },
    enterPhase: (phase) => writer.event({ case: "phaseChanged", value: { phase } }),
  });
}

const rehearsal = create(StartJobRequestSchema, {
  jobId: `rehearsal_${process.pid}`,
  attempt: 1,
  runnerName: "rehearsal",
  spec: {
    repoRef: "rehearsal",
    work: { case: "task", value: { invocation: { case: "command", value: "echo rehearsal" } } },
  },
});

const settings = {
  path: "/usr/bin:/bin",
  taskWallMs: 10_000,
  maxLogBytes: 65_536,
  workspace: {
    defaultHost: "github.com",
    allowInsecure: false,
    hosts: { github: { hosts: [] }, gitlab: { hosts: [] } },
    mirrors: { maxBytes: 0, keepMs: 0 },
    pool: { maxKept: 0, keepMs: 0 },
  },
  artifacts: { maxBytes: 0, minFreeBytes: 0 },
  gitAuthor: { name: "Runner", email: "runner@example.com" },
  executors: { searchPath: "/usr/bin:/bin" },
  model: { baseUrl: "", silenceMs: 0, dayBudgetMicros: 0 },
  redact: [],
  egress: { allowed: [], mayAllowMore: false, exemptAddresses: [] },
  share: { memoryBytes: 1 << 28, maxProcesses: 512, diskBytes: 1 << 30 },
};
