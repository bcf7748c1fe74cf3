/**
 * The process that owns one job. It starts as a spare, before there is a job, so that its own start-up is over when one
 * comes. Its working directory is the runner's data directory.
 */
import { ActorKind, EndCause, JobPhase } from "#gen/job/v1/job_pb.js";
import { openPipes } from "../process/pipe.ts";
import { EventWriter } from "../spool/event-writer.ts";
import { Fingerprint } from "../spool/fingerprint.ts";
import { logPlace } from "../spool/log-numbering.ts";
import { type SpoolScan, scanSpool } from "../spool/scan-spool.ts";
import { SpoolWriter } from "../spool/spool-writer.ts";
import type { Command } from "./control.ts";
import { type JobDirectory, jobDirectory, markDiskFull, readStart, reserveDisk, writeEnded } from "./job-directory.ts";
import { recoverJob } from "./recover-job.ts";
import { rehearseJob } from "./rehearse-job.ts";
import { runJob } from "./run-job.ts";
import { RunnerLink } from "./runner-link.ts";
import { StopSignal } from "./stop-signal.ts";

const [stdout, stderr] = await openPipes(".", 2);
if (stdout === undefined || stderr === undefined) throw new Error("pipes are missing");
const pipes = { stdout, stderr };
await rehearseJob();
const stop = new StopSignal();
const link = new RunnerLink({ onCommand: obey, onOrphaned: () => process.exit(0) });

process.on("SIGTERM", () => {
  if (link.holdsJob) stop.stop({ cause: EndCause.RUNNER_STOPPED, actor: runnerActor, graceMs: 10_000 });
  else process.exit(0);
});

const runnerActor = { kind: ActorKind.RUNNER, id: "" };

function obey(command: Command): void {
  switch (command.kind) {
    case "run":
      // A failure ends this process; the runner sees that and has the job recovered.
      void run(command);
      return;
    case "recover":
      void recover(command.jobId);
      return;
    case "leave":
      process.exit(0);
      return;
    case "stop":
      stop.stop(command.stop);
      return;
    default:
      command satisfies never;
  }
}

async function run({ jobId, slot, settings }: Extract<Command, { kind: "run" }>): Promise<void> {
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
  process.once("uncaughtException", (error) => failJob(error, directory));
  link.hold({ jobId, attempt, phase: JobPhase.PREPARING, end: fresh.end });
  const asked = Number(spec.limits?.logBytes ?? 0n) || defaultLogBytes;
  const { spool, writer } = openSpool(jobId, fresh, Math.min(asked, settings.maxLogBytes));
  const enterPhase = (phase: JobPhase) => {
    writer.event({ case: "phaseChanged", value: { phase } });
    link.phase(phase);
  };
  await runJob({ request, spec, directory, slot, settings, pipes, writer, stop, enterPhase });
  await leave(jobId, spool);
}

/** Ends this process; another one cleans up and writes the end of the job. */
function failJob(error: Error, directory: JobDirectory): void {
  if ("code" in error && error.code === "ENOSPC") markDiskFull(directory);
  process.stderr.write(`${error.stack ?? error.message}\n`);
  // An orderly exit would save compiled code, to the same disk.
  process.kill(process.pid, "SIGKILL");
}

async function recover(jobId: string): Promise<void> {
  const { directory, request } = readJob(jobId);
  const { firstSequence, attempt } = request;
  const scan = scanSpool(directory.spool, { firstSequence, log: logPlace(request.log) });
  link.hold({ jobId, attempt, phase: JobPhase.COLLECTING, end: scan.end });
  const { spool, writer } = openSpool(jobId, scan, defaultLogBytes);
  if (!scan.ended) await recoverJob(jobId, directory, writer);
  await leave(jobId, spool);
}

function openSpool(jobId: string, from: SpoolScan, maxLogBytes: number) {
  const { spool: path, held } = jobDirectory(jobId);
  const spool = new SpoolWriter(path, from.end);
  const writer = new EventWriter({
    firstSequence: from.end.newestSequence + 1,
    log: from.log,
    fingerprint: from.fingerprint,
    maxLogBytes,
    heldDirectory: held,
    append: (envelope, range) => {
      spool.append(envelope, range);
      link.appended(spool.end);
    },
  });
  return { spool, writer };
}

async function leave(jobId: string, spool: SpoolWriter): Promise<never> {
  spool.close();
  await writeEnded(jobDirectory(jobId), spool.end);
  await link.ended(spool.end);
  process.exit(0);
}

function readJob(jobId: string) {
  const directory = jobDirectory(jobId);
  const request = readStart(directory);
  if (request === undefined) throw new Error(`${jobId} has no start.json`);
  return { directory, request };
}

const defaultLogBytes = 128 << 20;
