import { JobPhase } from "#gen/job/v1/job_pb.js";
import type { OutputPipes } from "../process/pipe.ts";
import type { JobCgroup } from "../sandbox/job-cgroup.ts";
import type { NetworkNamespace } from "../sandbox/network-namespace.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { EventWriter } from "../spool/event-writer.ts";
import { Fingerprint } from "../spool/fingerprint.ts";
import { logPlace } from "../spool/log-numbering.ts";
import { Redaction } from "../spool/redact.ts";
import { type SpoolScan, scanSpool } from "../spool/scan-spool.ts";
import { secretValues } from "../spool/secret-values.ts";
import { SpoolWriter } from "../spool/spool-writer.ts";
import type { Command } from "./control.ts";
import { type JobDirectory, jobDirectory, markDiskFull, readStart, reserveDisk, writeEnded } from "./job-directory.ts";
import { recoverJob } from "./recover-job.ts";
import { runJob } from "./run-job.ts";
import type { RunnerLink } from "./runner-link.ts";
import { sessionKey, withSession } from "./session-directory.ts";
import type { StopSignal } from "./stop-signal.ts";
import type { WarmAgent } from "./warm-agent.ts";

/** What a supervisor holds a job with. */
export interface JobHolder {
  readonly link: RunnerLink;
  readonly sandbox: Sandbox;
  readonly fetcher: Sandbox;
  readonly network: NetworkNamespace | undefined;
  readonly cgroup: JobCgroup | undefined;
  readonly takePipes: () => OutputPipes;
  readonly stop: StopSignal;
  /** The agent that this supervisor has started, or is about to, for this job or for none. */
  readonly warm: Promise<WarmAgent> | undefined;
}

/** Runs a job until its end is reported, and keeps nothing of it. A failure ends the process: the runner has it recovered. */
export async function holdJob(
  { jobId, slot, settings }: Extract<Command, { kind: "run" }>,
  { link, sandbox, fetcher, network, cgroup, takePipes, stop, warm }: JobHolder,
): Promise<void> {
  const { directory, request } = readJob(jobId);
  const { spec, firstSequence, attempt } = request;
  if (spec === undefined) throw new Error(`${jobId} has no spec`);
  const fresh: SpoolScan = {
    end: { newestSequence: firstSequence - 1, bytes: 0 },
    log: logPlace(request.log),
    fingerprint: new Fingerprint(),
    ended: false,
  };
  reserveDisk(directory);
  const redaction = new Redaction([...settings.redact, ...secretValues(spec.env)]);
  const onFailure = (error: Error) => failJob(error, directory, redaction);
  process.once("uncaughtException", onFailure);
  link.hold({ jobId, attempt, phase: JobPhase.PREPARING, end: fresh.end });
  const asked = Number(spec.limits?.logBytes ?? 0n) || defaultLogBytes;
  const maxLogBytes = Math.min(asked, settings.maxLogBytes);
  const { spool, writer } = openSpool(jobId, fresh, { redaction, maxLogBytes, link });
  const enterPhase = (phase: JobPhase) => {
    writer.event({ case: "phaseChanged", value: { phase } });
    link.phase(phase);
  };
  const agent = await warm;
  const isWanted = agent?.keepFor(sessionKey(request)) ?? false;
  if (!isWanted) await agent?.discard();
  await runJob({
    request,
    spec,
    directory,
    slot,
    settings,
    sandbox,
    fetcher,
    network,
    cgroup,
    takePipes,
    warm: isWanted ? agent : undefined,
    writer,
    redaction,
    stop,
    line: link,
    enterPhase,
  });
  await finish(directory, spool, link);
  process.off("uncaughtException", onFailure);
}

/** Cleans up behind a supervisor that died, and reports the end of its job. */
export async function holdLostJob(jobId: string, link: RunnerLink): Promise<void> {
  const { directory, request } = readJob(jobId);
  const { firstSequence, attempt } = request;
  const scan = scanSpool(directory.spool, { firstSequence, log: logPlace(request.log) });
  link.hold({ jobId, attempt, phase: JobPhase.COLLECTING, end: scan.end });
  // What is still to be written is nothing that the job says.
  const redaction = new Redaction([]);
  const { spool, writer } = openSpool(jobId, scan, { redaction, maxLogBytes: defaultLogBytes, link });
  if (!scan.ended) await recoverJob(request, directory, writer);
  await finish(directory, spool, link);
}

/** Ends this process; another one cleans up and writes the end of the job. */
function failJob(error: Error, directory: JobDirectory, redaction: Redaction): void {
  if ("code" in error && error.code === "ENOSPC") markDiskFull(directory);
  process.stderr.write(redaction.text(`${error.stack ?? error.message}\n`));
  // An orderly exit would save compiled code, to the same disk.
  process.kill(process.pid, "SIGKILL");
}

interface SpoolUse {
  readonly redaction: Redaction;
  readonly maxLogBytes: number;
  readonly link: RunnerLink;
}

function openSpool(jobId: string, from: SpoolScan, { redaction, maxLogBytes, link }: SpoolUse) {
  const { spool: path, held } = jobDirectory(jobId);
  const spool = new SpoolWriter(path, from.end);
  const writer = new EventWriter({
    firstSequence: from.end.newestSequence + 1,
    log: from.log,
    fingerprint: from.fingerprint,
    redaction,
    maxLogBytes,
    heldDirectory: held,
    append: (envelope, range) => {
      spool.append(envelope, range);
      link.appended(spool.end);
    },
  });
  return { spool, writer };
}

async function finish(directory: JobDirectory, spool: SpoolWriter, link: RunnerLink): Promise<void> {
  spool.close();
  await writeEnded(directory, spool.end);
  link.ended(spool.end);
}

function readJob(jobId: string) {
  const directory = jobDirectory(jobId);
  const request = readStart(directory);
  if (request === undefined) throw new Error(`${jobId} has no start.json`);
  return { directory: withSession(directory, request), request };
}

const defaultLogBytes = 128 << 20;
