/**
 * The process that owns one job at a time. It starts as a spare, before there is a job, so that its own start-up is over
 * when one comes, and is a spare again once that has ended: warm, and with nothing of it. Its working directory is the
 * runner's data directory.
 */
import { ActorKind, EndCause } from "#gen/job/v1/job_pb.js";
import { type OutputPipes, openOutputPipes } from "../process/pipe.ts";
import type { Command, SteeringCommand } from "./control.ts";
import { holdJob, holdLostJob } from "./hold-job.ts";
import { rehearseJob } from "./rehearse-job.ts";
import { RunnerLink } from "./runner-link.ts";
import { StopSignal } from "./stop-signal.ts";

/** After so many jobs, or when it has grown so large, a fresh process is better. */
const maxJobs = 40;
const maxResidentBytes = 160 << 20;
const pipesAtOnce = 8;

/** For the processes of the next jobs; to open some takes a process itself, and that much longer than to open many. */
let pipes = await openOutputPipes(".", pipesAtOnce);
let jobsHeld = 0;
/** Of the job that is held. */
let stop: StopSignal | undefined;
await rehearseJob();
const link = new RunnerLink({ onCommand: obey, onOrphaned: () => process.exit(0) });

process.on("SIGTERM", () => {
  if (!link.holdsJob) process.exit(0);
  stop?.stop({ cause: EndCause.RUNNER_STOPPED, actor: { kind: ActorKind.RUNNER, id: "" }, graceMs: 10_000 });
});

function obey(command: Exclude<Command, SteeringCommand>): void {
  switch (command.kind) {
    case "run":
      // A failure ends this process; the runner sees that and has the job recovered.
      void run(command);
      return;
    case "recover":
      void holdLostJob(command.jobId, link).then(leave);
      return;
    case "leave":
      process.exit(0);
      return;
    case "stop":
      // One that comes too late is for a job that has ended: the next is only given to a spare.
      stop?.stop(command.stop);
      return;
    default:
      command satisfies never;
  }
}

async function run(command: Extract<Command, { kind: "run" }>): Promise<void> {
  jobsHeld += 1;
  stop = new StopSignal();
  await holdJob(command, { link, takePipes, stop });
  stop = undefined;
  if (!link.isOpen || jobsHeld >= maxJobs || process.memoryUsage.rss() > maxResidentBytes) return leave();
  if (pipes.length === 0) pipes = await openOutputPipes(".", pipesAtOnce);
  link.free();
}

function takePipes(): OutputPipes {
  const taken = pipes.pop();
  if (taken === undefined) throw new Error("a job has one process");
  return taken;
}

async function leave(): Promise<never> {
  await link.close();
  process.exit(0);
}
