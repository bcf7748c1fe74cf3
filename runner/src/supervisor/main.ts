/**
 * The process that owns one job at a time. It starts as a spare, before there is a job, so that its own start-up is over
 * when one comes, and is a spare again once that has ended: warm, and with nothing of it. Its working directory is the
 * runner's data directory.
 */
import { ActorKind, EndCause } from "#gen/job/v1/job_pb.js";
import { type OutputPipes, openOutputPipes } from "../process/pipe.ts";
import type { Command } from "./control.ts";
import { holdJob, holdLostJob } from "./hold-job.ts";
import { type Confinement, openJobSandbox } from "./job-sandbox.ts";
import { rehearseJob } from "./rehearse-job.ts";
import { type OwnCommand, RunnerLink } from "./runner-link.ts";
import { StopSignal } from "./stop-signal.ts";
import type { WarmAgent } from "./warm-agent.ts";

/** After so many jobs, or when it has grown so large, a fresh process is better. */
const maxJobs = 40;
const maxResidentBytes = 160 << 20;
const pipesAtOnce = 8;
/** After that a fresh agent is better: it knows what day it is, and is the program that is installed now. */
const maxWarmMs = 600_000;

const [confinement = ""] = process.argv.slice(2);
const { settings, cgroups }: Confinement = JSON.parse(confinement);
const { sandbox, fetcher, network, cgroup } = await openJobSandbox(settings, cgroups);
/** For the processes of the next jobs; to open some takes a process itself, and that much longer than to open many. */
let pipes = await openOutputPipes(".", pipesAtOnce);
let jobsHeld = 0;
/** Of the job that is held. */
let stop: StopSignal | undefined;
/** The agent that waits for a job, or will in a moment. */
let warm: Promise<WarmAgent> | undefined;
await rehearseJob(sandbox);
const link = new RunnerLink({ onCommand: obey, onOrphaned: () => void vanish() });

process.on("SIGTERM", () => {
  if (!link.holdsJob) void vanish();
  stop?.stop({ cause: EndCause.RUNNER_STOPPED, actor: { kind: ActorKind.RUNNER, id: "" }, graceMs: 10_000 });
});

function obey(command: OwnCommand): void {
  switch (command.kind) {
    case "run":
      // A failure ends this process; the runner sees that and has the job recovered.
      void run(command);
      return;
    case "recover":
      void holdLostJob(command.jobId, link).then(leave);
      return;
    case "warm":
      warm = warmUp(command);
      return;
    case "serve":
      void serve(command);
      return;
    case "leave":
      void vanish();
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
  const taken = warm;
  warm = undefined;
  await holdJob(command, { link, sandbox, fetcher, network, cgroup, takePipes, stop, warm: taken });
  stop = undefined;
  await cgroup?.renew();
  if (!link.isOpen || jobsHeld >= maxJobs || process.memoryUsage.rss() > maxResidentBytes) return leave();
  if (pipes.length === 0) pipes = await openOutputPipes(".", pipesAtOnce);
  link.free();
}

async function serve(command: Extract<Command, { kind: "serve" }>): Promise<void> {
  const taken = warm;
  warm = undefined;
  // Loaded when it is needed: most work is looked at while its job runs, or by what the gateway keeps of it.
  const { serveWork } = await import("./serve-work.ts");
  link.answer(command.work.call, await serveWork(command, { sandbox, fetcher }));
  await (await taken)?.discard();
  link.free();
}

async function warmUp({ session, agent, settings }: Extract<Command, { kind: "warm" }>): Promise<WarmAgent> {
  // One for the agent, one for a job that cannot use it.
  if (pipes.length < 2) pipes.push(...(await openOutputPipes(".", pipesAtOnce)));
  // Loaded when it is needed: most runners start no agents ahead.
  const { WarmAgent } = await import("./warm-agent.ts");
  return new WarmAgent({
    session,
    agent,
    settings,
    sandbox,
    network,
    takePipes,
    maxWaitMs: maxWarmMs,
    onReady: () => link.warmth({ kind: "warmed", session }),
    onGone: () => link.warmth({ kind: "cooled", session }),
  });
}

function takePipes(): OutputPipes {
  const taken = pipes.pop();
  if (taken === undefined) throw new Error("a job has one process");
  return taken;
}

async function leave(): Promise<never> {
  await link.close();
  return vanish();
}

/** Ends this process, which holds no job, and all that it has started. */
async function vanish(): Promise<never> {
  const agent = await warm;
  await agent?.remove();
  await cgroup?.remove();
  process.exit(0);
}
