import { LogStream } from "#gen/job/v1/job_event_pb.js";
import { ActorKind, EndCause, JobPhase, JobState, PermissionMode } from "#gen/job/v1/job_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { cutText } from "../executor/cut-text.ts";
import {
  type Conclusion,
  type EventPayload,
  type Execution,
  type Executor,
  lineGapMs,
  Unstartable,
} from "../executor/executor.ts";
import { executorName, findExecutor } from "../executor/executors.ts";
import type { ModelProxy } from "../model-proxy/model-proxy.ts";
import type { OutputPipes } from "../process/pipe.ts";
import { removeTree } from "../process/remove-tree.ts";
import { type OutputListener, type ProcessStart, startProcess } from "../process/start-process.ts";
import { giveTrees } from "../sandbox/give.ts";
import type { JobCgroup } from "../sandbox/job-cgroup.ts";
import type { NetworkNamespace } from "../sandbox/network-namespace.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import type { EventWriter } from "../spool/event-writer.ts";
import type { Redaction } from "../spool/redact.ts";
import { secretValues } from "../spool/secret-values.ts";
import { repositoriesUsedBy } from "../workspace/mirror-directory.ts";
import { markUnusable } from "../workspace/workspace-pool.ts";
import { ActiveEvents } from "./active-events.ts";
import { placeAttachments } from "./attachment-files.ts";
import { boundOutcome, stopOutcome } from "./bounds.ts";
import { DiskWatch } from "./disk-watch.ts";
import { type JobDirectory, writeLeader } from "./job-directory.ts";
import { JobEgress } from "./job-egress.ts";
import { jobEnvironment } from "./job-environment.ts";
import { JobWork } from "./job-work.ts";
import { keepArtifacts } from "./keep-artifacts.ts";
import { type JobLimitsMs, limitGraceMs, limitsOf } from "./limits.ts";
import { unstartableOutcome, withSurvivors } from "./outcome.ts";
import {
  gitContext,
  hostGitContext,
  openCredentials,
  prepareWorkspace,
  sessionUse,
  workspaceKey,
} from "./prepare-workspace.ts";
import { recordSession } from "./resume-session.ts";
import { exitFacts, runProcess } from "./run-process.ts";
import type { SteeringLine, WorkLine } from "./runner-link.ts";
import { markersOf, sessionKey } from "./session-directory.ts";
import { withSetBackNote } from "./set-back.ts";
import type { JobSettings } from "./settings.ts";
import { Steering } from "./steering.ts";
import type { StopSignal } from "./stop-signal.ts";
import type { WarmAgent } from "./warm-agent.ts";

/** One attempt, and what is needed to run it. */
export interface JobRun {
  readonly request: StartJobRequest;
  readonly spec: NonNullable<StartJobRequest["spec"]>;
  readonly directory: JobDirectory;
  readonly slot: number;
  readonly settings: JobSettings;
  readonly sandbox: Sandbox;
  /** Confines git that talks to hosts, with credentials that the job may not see. */
  readonly fetcher: Sandbox;
  /** The network that its processes find; undefined when it is the machine's own, and it is not confined. */
  readonly network: NetworkNamespace | undefined;
  /** What all its processes are in; undefined where nothing bounds them together. */
  readonly cgroup: JobCgroup | undefined;
  /** Hands over what its process writes to; called once at most. */
  readonly takePipes: () => OutputPipes;
  /** The agent that waits for this job; undefined when one is to be started. */
  readonly warm: WarmAgent | undefined;
  readonly writer: EventWriter;
  /** The writer's: what it is told to hide is hidden in all that is written from then on. */
  readonly redaction: Redaction;
  readonly stop: StopSignal;
  readonly line: SteeringLine & WorkLine;
  readonly enterPhase: (phase: JobPhase) => void;
}

/** Runs an attempt from its first event to its last: workspace, executor, outcome. */
export async function runJob(run: JobRun): Promise<void> {
  const { request, spec, settings, slot, directory, writer, stop, enterPhase } = run;
  const { runnerName, attempt } = request;
  const status = { state: JobState.RUNNING };
  const unconfined = run.sandbox.kind === "none";
  const actor = { kind: ActorKind.RUNNER, id: runnerName };
  writer.event({
    case: "stateChanged",
    value: { status, placement: { runner: runnerName, slot, attempt, unconfined }, actor },
  });
  const limits = limitsOf(spec, settings.taskWallMs);
  const events = new ActiveEvents(writer, stop);
  const egress = openEgress(run, events);
  const steering = openSteering({ ...run, limits, events, egress });
  const interruptMs = spec.work.case === "agent" ? agentInterruptMs : 0;
  stop.startLimits({ ...limits, interruptMs, isWaiting: () => steering.waits.isWaiting });
  const model = await openAgentModel(run, steering, events);
  const work = openWork(run, events);
  const active = { ...run, limits, events, steering, model, work };
  const disk = watchDisk(run);
  const performed = await perform(active);
  await disk.close();
  // One that was not needed after all, such as without a workspace.
  await run.warm?.discard();
  enterPhase(JobPhase.COLLECTING);
  const { outcome, result } = await publishWork(active, performed);
  stop.end();
  steering.close();
  await Promise.all([model?.close(), egress.close()]);
  await work.conclude();
  await keepArtifacts(run, events.emit);
  if (outcome.cause !== EndCause.SESSION_LOST) {
    const use = sessionUse(run, AbortSignal.timeout(recordMs));
    // Without a record no job can continue the session, and is told so; this one has done its work.
    await recordSession(use, Date.now()).catch((error: unknown) => tellUnrecorded(run, error));
  }
  // What the job made unremovable goes with its directory, or stays; its end is not held up by that.
  await removeTree(directory.tmp).catch(() => undefined);
  writer.end({ outcome, result: cutText(result, maxResultBytes).text, unknownLines: events.unknownLines });
}

/** For an agent to leave its turn when it is stopped, before signals. */
const agentInterruptMs = 5_000;

/** An attempt that runs. */
interface ActiveRun extends JobRun {
  readonly limits: JobLimitsMs;
  readonly events: ActiveEvents;
  readonly steering: Steering;
  readonly model: ModelProxy | undefined;
  readonly work: JobWork;
}

function watchDisk({ directory: { home, tmp, workspace }, settings, stop }: JobRun): DiskWatch {
  const onFull = () => stop.stop({ cause: EndCause.DISK_FULL, actor: null, graceMs: limitGraceMs });
  const { diskBytes } = settings.share;
  return new DiskWatch({ directories: [home, tmp, workspace], limitBytes: diskBytes, onFull, intervalMs: diskLookMs });
}

const diskLookMs = 1_000;

function openEgress({ spec: { allowedHosts }, settings, network }: JobRun, { emit }: ActiveEvents): JobEgress {
  return new JobEgress({ settings: settings.egress, allowedHosts, door: network?.egressDoor, emit });
}

function openSteering(run: Pick<ActiveRun, keyof JobRun | "limits" | "events"> & { egress: JobEgress }): Steering {
  const { request, spec, line, stop, limits, events, egress } = run;
  const { askMs } = limits;
  const permissionMode = spec.work.case === "agent" ? spec.work.value.permissionMode : PermissionMode.UNSPECIFIED;
  const steering = new Steering({ jobId: request.jobId, permissionMode, askMs, emit: events.emit, line, egress });
  stop.signal.addEventListener("abort", () => steering.close(), { once: true });
  return steering;
}

function openWork(run: JobRun, { emit }: ActiveEvents): JobWork {
  const { request, directory, settings, line, redaction } = run;
  const { jobId } = request;
  const { workspace } = directory;
  const git = (signal: AbortSignal) => ({ ...gitContext(run, signal), network: "none" as const });
  const work = new JobWork({
    jobId,
    workspace,
    git,
    hostGit: (signal) => hostGitContext(run, signal),
    credentials: openCredentials(run),
    settings: settings.workspace,
    author: settings.gitAuthor,
    redaction,
    emit,
  });
  line.onWork((command) => work.answer(command));
  return work;
}

async function openAgentModel(
  run: JobRun,
  steering: Steering,
  { emit }: ActiveEvents,
): Promise<ModelProxy | undefined> {
  const { request, spec, directory, settings, stop, sandbox, network } = run;
  if (spec.work.case !== "agent") return undefined;
  // Loaded when it is needed: HTTP and TLS make a supervisor a fifth larger.
  const { openDoor, openModel } = await import("./open-model.ts");
  const budgetMicros = spec.limits?.budgetMicros ?? 0n;
  const { jobId } = request;
  const door = run.warm?.door ?? openDoor(directory.modelSocket, sandbox, network);
  return openModel({ jobId, settings: settings.model, budgetMicros, door, steering, stop, emit });
}

async function perform(run: ActiveRun): Promise<Conclusion> {
  const { stop, enterPhase, spec, limits } = run;
  enterPhase(JobPhase.PREPARING);
  const executor = findExecutor(spec, run.settings.executors);
  if (executor === undefined) return unstartable(unstartableOutcome(executorName(spec), "no such executor"));
  const { workspace, home, tmp } = run.directory;
  try {
    await giveTrees(run.sandbox, [workspace, home, tmp]);
    const prepared = await prepareWorkspace(run, run.work);
    if (stop.order !== undefined) return { outcome: stopOutcome(stop.order, limits, run.settings.share), result: "" };
    return prepared.kind === "failed" ? unstartable(prepared.outcome) : await execute(run, executor, prepared.resumes);
  } catch (error) {
    if (error instanceof Unstartable) return unstartable(error.outcome);
    if (stop.order === undefined || !stop.signal.aborted || !isAbort(error)) throw error;
    return { outcome: stopOutcome(stop.order, limits, run.settings.share), result: "" };
  }
}

/** Brings finished work to its host, if that was asked for and there is any; the job may still be stopped meanwhile. */
async function publishWork(run: ActiveRun, performed: Conclusion): Promise<Conclusion> {
  const { spec, stop, work, limits, writer } = run;
  if (spec.publish === undefined || performed.outcome.cause !== EndCause.COMPLETED) return performed;
  const answer = await work.publish(spec.publish, stop.signal);
  if (stop.order !== undefined) return { ...performed, outcome: stopOutcome(stop.order, limits, run.settings.share) };
  if (answer.kind !== "refused") return performed;
  if (answer.refusal === "unchanged") {
    writer.log(LogStream.STDERR, Buffer.from(`${answer.message}\n`));
    return performed;
  }
  const message = cutText(`The work succeeded and could not be published: ${answer.message}.`, maxMessageBytes).text;
  return { ...performed, outcome: { cause: EndCause.PUBLISH_FAILED, message } };
}

async function execute(run: ActiveRun, executor: Executor, resumes: string | undefined): Promise<Conclusion> {
  const { request, spec, directory, settings, writer, stop, enterPhase, limits, events, steering, model, work } = run;
  const { permissionMode } = steering;
  const attachments = placeAttachments(spec, directory, run.sandbox);
  const execution = await executor.prepare({
    jobId: request.jobId,
    attempt: request.attempt,
    session: sessionKey(request),
    spec: withNotes(run),
    settings: settings.executors,
    workspace: directory.workspace,
    home: directory.home,
    tmp: directory.tmp,
    ...(resumes === undefined ? {} : { resumes }),
    ...(attachments && { attachments }),
    ...(run.warm && { waiting: run.warm.launch }),
    emit: (payload) => {
      events.emit(payload);
      if (isTurnEnd(payload)) work.turnEnded();
    },
    untilRecorded: () => work.recording,
    permissionMode,
    ask: (question, context) => steering.asks.open(question, context),
    model,
    messages: steering.messages,
    modeChanged: (mode) => steering.modeChanged(mode),
  });
  run.redaction.hide(secretValues(execution.env));
  if (execution.steering) steering.attach(execution.steering, permissionMode);
  enterPhase(JobPhase.EXECUTING);
  const result = await runProcess({
    markers: markersOf(request),
    execution,
    start: (onOutput) => run.warm?.use(request.jobId, onOutput) ?? startJob(run, execution, onOutput),
    writer,
    stop,
    started: (leader) => writeLeader(directory, leader),
  });
  if (result.kind === "unstartable") return unstartable(unstartableOutcome(execution.argv[0], result.code));
  const { exit, stopped, survivors } = result;
  if (survivors.length > 0) markUnusable(directory.workspace);
  const conclusion = execution.conclude(exit);
  const { share } = settings;
  const outcome =
    stopped === undefined
      ? boundOutcome(conclusion.outcome, run.cgroup?.met, share)
      : { ...stopOutcome(stopped, limits, share), ...exitFacts(exit) };
  return { ...conclusion, outcome: withSurvivors(outcome, survivors) };
}

function isTurnEnd(payload: EventPayload): boolean {
  return payload.case === "agent" && payload.value.event?.case === "turnResult";
}

/** What the job is asked to do, with what its agent cannot know. */
function withNotes({ spec, request }: JobRun): JobRun["spec"] {
  const { work } = spec;
  if (work.case !== "agent") return spec;
  return {
    ...spec,
    work: { case: "agent", value: { ...work.value, prompt: withSetBackNote(work.value.prompt, request) } },
  };
}

function startJob(run: JobRun, execution: Execution, onOutput: OutputListener): Promise<ProcessStart> {
  const { request, spec, directory, settings, sandbox, takePipes } = run;
  const { argv, env, readable, stdin, stdout } = execution;
  const { workspace, home, tmp } = directory;
  const added = { ...spec.env, ...env };
  const command = sandbox.confine({
    argv,
    env: jobEnvironment({ path: settings.path, home, tmp, added, id: request.jobId }),
    directory: workspace,
    writable: [workspace, home, tmp],
    readable: [...readable, ...repositoriesUsedBy(workspaceKey(request))],
    network: "proxied",
  });
  return startProcess({
    command,
    stdin: stdin.kind,
    ...takePipes(),
    stdoutGapMs: stdout.kind === "lines" ? lineGapMs : 0,
    onOutput,
  });
}

/** The operator finds it in supervisors.log. */
function tellUnrecorded({ request, redaction }: JobRun, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(redaction.text(`${request.jobId}: its session was not recorded: ${reason}\n`));
}

const recordMs = 10_000;
const maxResultBytes = 16 * 1024;
const maxMessageBytes = 1024;

function unstartable(outcome: Conclusion["outcome"]): Conclusion {
  return { outcome, result: "" };
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
