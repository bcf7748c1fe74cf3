import { setTimeout as delay } from "node:timers/promises";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import type { Execution, ProcessInput } from "../executor/executor.ts";
import { killSurvivors } from "../process/kill-group.ts";
import { LineSplitter } from "../process/line-splitter.ts";
import type { ProcessIdentity } from "../process/process-table.ts";
import type { Exit } from "../process/spawn-command.ts";
import type { OutputListener, ProcessStart, StartedProcess } from "../process/start-process.ts";
import type { EventWriter, Payload } from "../spool/event-writer.ts";
import type { StopOrder } from "./control.ts";
import type { StopSignal } from "./stop-signal.ts";

/** A process to run to its end. */
export interface RunRequest {
  /** What its processes carry as their marker, one of these. */
  readonly markers: readonly string[];
  readonly execution: Execution;
  /** Starts the process, or hands over one that waits. */
  readonly start: (onOutput: OutputListener) => ProcessStart | Promise<ProcessStart>;
  readonly writer: EventWriter;
  readonly stop: StopSignal;
  /** Called as soon as the process runs. */
  readonly started: (leader: ProcessIdentity) => void;
}

/** How it went. */
export type RunResult =
  | {
      readonly kind: "ended";
      readonly exit: Exit;
      /** What it was stopped for, if it was. */
      readonly stopped: StopOrder | undefined;
      /** Process ids of what it left behind and could not be killed. */
      readonly survivors: readonly number[];
    }
  | { readonly kind: "unstartable"; readonly code: string };

/**
 * Runs a process to its end, writes its output and each step as events, stops it when told to, and leaves nothing of it
 * running that can be killed, wherever its children went.
 */
export async function runProcess(request: RunRequest): Promise<RunResult> {
  const { markers, execution, writer } = request;
  const { onOutput, finish } = outputSink(request);
  const start = await request.start(onOutput);
  if (start.kind === "unstartable") return start;
  const { process } = start;
  request.started(process.identity);
  emit(writer, { case: "started", value: { pid: process.pid } });
  if (execution.stdin.kind === "pipe") execution.stdin.opened(processInput(process, request));
  const end = await endOf(process, request);
  // What the command left behind may still be writing, such as the last stage of a pipeline. When stopped, it had its time.
  if (end.stopped === undefined) await process.drained(drainMs);
  const survivors = await killSurvivors(markers, process.identity);
  await process.drained(drainMs);
  process.close();
  finish();
  writer.releaseHeldOutput();
  emit(writer, { case: "exited", value: exitFacts(end.exit) });
  return { kind: "ended", ...end, survivors };
}

/** A process's end as events tell it. */
export function exitFacts(exit: Exit): { readonly exitCode: number } | { readonly signal: string } {
  return exit.kind === "exited" ? { exitCode: exit.exitCode } : { signal: exit.signal };
}

const drainMs = 2000;

interface ProcessStop {
  readonly exit: Exit;
  readonly stopped: StopOrder | undefined;
}

/** Waits for the process's own end, stopping its group as soon as that is ordered; an agent may leave its turn before. */
async function endOf(process: StartedProcess, { writer, stop, execution }: RunRequest): Promise<ProcessStop> {
  const first = await Promise.race([process.exited, stop.ordered]);
  if ("kind" in first) return { exit: first, stopped: undefined };
  const actor = first.actor === null ? {} : { actor: first.actor };
  emit(writer, { case: "stopRequested", value: { cause: first.cause, ...actor } });
  if (execution.steering !== undefined && first.graceMs > 0) {
    emit(writer, { case: "interrupted", value: actor });
    execution.steering.interrupt();
    const exit = await Promise.race([process.exited, stop.interruptOver]);
    if (exit !== undefined) return { exit, stopped: first };
  }
  sendSignal(process, writer, "SIGTERM");
  const ended = await Promise.race([process.exited, stop.graceOver]);
  if (ended === undefined) sendSignal(process, writer, "SIGKILL");
  return { exit: await process.exited, stopped: first };
}

function sendSignal(process: StartedProcess, writer: EventWriter, signal: "SIGTERM" | "SIGKILL"): void {
  if (process.signal(signal)) emit(writer, { case: "signalSent", value: { signal } });
}

/** Output becomes log, or lines for the executor. */
function outputSink({ execution: { stdout }, writer, stop }: RunRequest) {
  const lines = stdout.kind === "lines" ? new LineSplitter(stdout.maxLineBytes, stdout.line) : undefined;
  const onOutput = (stream: "stdout" | "stderr", data: Uint8Array) => {
    stop.active();
    if (stream === "stderr") writer.log(LogStream.STDERR, data);
    else if (lines === undefined) writer.log(LogStream.STDOUT, data);
    else lines.push(data);
  };
  return { onOutput, finish: () => lines?.end() };
}

function processInput(process: StartedProcess, { execution: { lingerMs }, writer }: RunRequest): ProcessInput {
  const { stdin } = process;
  let isEnded = false;
  return {
    write: (text) => void (stdin?.writable && stdin.write(text)),
    end: () => {
      if (isEnded) return;
      isEnded = true;
      stdin?.end();
      if (lingerMs !== undefined) void endLingering(process, writer, lingerMs);
    },
  };
}

/** Ends a process that stays although it was told everything. */
async function endLingering(process: StartedProcess, writer: EventWriter, lingerMs: number): Promise<void> {
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    const left = new AbortController();
    const stays = delay(lingerMs, true, { signal: left.signal }).catch(() => false);
    const isThere = await Promise.race([stays, process.exited.then(() => false)]);
    left.abort();
    if (!isThere) return;
    sendSignal(process, writer, signal);
  }
}

function emit(writer: EventWriter, value: (Payload & { case: "process" })["value"]["event"]): void {
  writer.event({ case: "process", value: { event: value } } as Payload);
}
