/**
 * What runner and supervisors say to each other on DATA_DIR/runner.sock: one JSON object a line. Supervisors dial, also
 * again and again after the runner went away, so a runner knows its jobs by who calls.
 */
import type { Socket } from "node:net";
import type { JsonValue } from "@bufbuild/protobuf";
import type { ActorKind, EndCause, JobPhase, PermissionMode } from "#gen/job/v1/job_pb.js";
import type { ProcessIdentity } from "../process/process-table.ts";
import type { SpoolEnd } from "../spool/segments.ts";
import type { JobSettings } from "./settings.ts";

/** Name of the socket in the runner's data directory. Both ends have that as their working directory. */
export const socketName = "runner.sock";

/** What a supervisor tells the runner. */
export type Report =
  /** The first line: a spare that waits for a job, or the job that it holds. */
  | { readonly kind: "hello"; readonly process: ProcessIdentity; readonly held: HeldJob | null }
  /** Events were spooled. */
  | { readonly kind: "appended"; readonly end: SpoolEnd }
  | { readonly kind: "phase"; readonly phase: JobPhase }
  /** The answer to a command that is a call. */
  | { readonly kind: "answered"; readonly call: number; readonly answer: CallAnswer }
  /** The last event is spooled and everything of the job has been cleaned up; the supervisor holds it no more. */
  | { readonly kind: "ended"; readonly end: SpoolEnd }
  /** It is a spare again. One that does not say so behind its job leaves. */
  | { readonly kind: "free" }
  | WarmReport;

/** What becomes of an agent that was started before there is a job for it. */
export type WarmReport =
  /** It waits for a job. */
  | { readonly kind: "warmed"; readonly session: string }
  /** No job has it, and nothing of it runs; its directory is left. */
  | { readonly kind: "cooled"; readonly session: string };

/** The attempt that a supervisor holds. */
export interface HeldJob {
  readonly jobId: string;
  readonly attempt: number;
  readonly phase: JobPhase;
  readonly end: SpoolEnd;
}

/** What the runner tells a supervisor. */
export type Command =
  /** Run the job whose directory was made; only to a spare. */
  | { readonly kind: "run"; readonly jobId: string; readonly slot: number; readonly settings: JobSettings }
  /** Clean up after a supervisor that died, and write the end of its job; only to a spare. */
  | { readonly kind: "recover"; readonly jobId: string }
  /** Start an agent that waits for a job, in a session of this name; only to a spare that has none. */
  | { readonly kind: "warm"; readonly session: string; readonly agent: string; readonly settings: JobSettings }
  /** Do something for the work that an ended job left in the directory of this name; only to a spare. */
  | { readonly kind: "serve"; readonly place: string; readonly settings: JobSettings; readonly work: WorkCommand }
  /** It is not needed after all; only to a spare. */
  | { readonly kind: "leave" }
  | { readonly kind: "stop"; readonly stop: StopOrder }
  | SteeringCommand
  | WorkCommand;

/** What people want of the work of a job, while it runs or behind it. Answered with its number. */
export type WorkCommand =
  /** The fields are those of GetDiffRequest. */
  | {
      readonly kind: "diff";
      readonly call: number;
      readonly path: string;
      readonly statOnly: boolean;
      readonly fromTurn: number;
      readonly toTurn: number;
    }
  /** The branch is in its JSON form, as is the pull request. */
  | { readonly kind: "push"; readonly call: number; readonly branch: JsonValue }
  | {
      readonly kind: "openRequest";
      readonly call: number;
      readonly branch: string;
      readonly pullRequest: JsonValue;
    };

/** Such a command before it has its number. */
export type WorkWish = Uncalled<WorkCommand>;

/** A command before it has its number. */
export type Uncalled<Command> = Command extends unknown ? Omit<Command, "call"> : never;

/** What people want of a job. One with a `call` is answered with that number. Messages are in their JSON form. */
export type SteeringCommand =
  /** The decision on an ask; the event that closes the ask is the answer. */
  | { readonly kind: "decide"; readonly askId: string; readonly decision: JsonValue }
  | { readonly kind: "message"; readonly call: number; readonly message: JsonValue }
  | {
      readonly kind: "mode";
      readonly call: number;
      readonly mode: PermissionMode;
      readonly actor: CommandActor | null;
    }
  /** The job may reach this host from now on. */
  | { readonly kind: "allowHost"; readonly call: number; readonly host: string; readonly actor: CommandActor | null };

/** What came of a call. */
export type CallAnswer =
  | { readonly kind: "done" }
  /** The message as it stands. */
  | { readonly kind: "message"; readonly message: JsonValue }
  | { readonly kind: "diff"; readonly diff: JsonValue }
  | { readonly kind: "published"; readonly publication: JsonValue }
  /** One lower-case fact says why. */
  | { readonly kind: "refused"; readonly refusal: CallRefusal; readonly message: string };

/** Why a call is refused. */
export type CallRefusal = SteeringRefusal | WorkRefusal;

/**
 * The agent has the message, takes no more of them, or has no such mode; the job is not confined, or nobody may let it reach
 * more hosts.
 */
export type SteeringRefusal = "consumed" | "ended" | "unsupported" | "unconfined" | "fixedHosts";

/**
 * The workspace is not checked out yet, the agent has ended no such turn, or git failed; nothing was changed, no such branch
 * was pushed, the branch stands elsewhere, or the host wants other credentials or refuses.
 */
export type WorkRefusal =
  | ("not-ready" | "no-turn" | "failed")
  | ("unchanged" | "not-pushed" | "moved" | "credentials" | "host");

/** Who is behind a command. */
export interface CommandActor {
  readonly kind: ActorKind;
  readonly id: string;
}

/** Why and how to stop a job. */
export interface StopOrder {
  readonly cause: EndCause;
  readonly actor: CommandActor | null;
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number;
}

/** Sends one line. */
export function send(socket: Socket, message: Report | Command): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}

/** Hands on each report that a supervisor sends. Throws into the socket's error when a line is none. */
export function onReports(socket: Socket, handle: (report: Report) => void): void {
  onLines(socket, (line) => handle(parseMessage<Report>(line, reportFields)));
}

/** Hands on each command that the runner sends. Throws into the socket's error when a line is none. */
export function onCommands(socket: Socket, handle: (command: Command) => void): void {
  onLines(socket, (line) => handle(parseMessage<Command>(line, commandFields)));
}

type Check = (value: unknown) => boolean;
type Fields<Message extends { kind: string }> = {
  readonly [Kind in Message["kind"]]: {
    readonly [Name in Exclude<keyof Extract<Message, { kind: Kind }>, "kind">]: Check;
  };
};

const isString: Check = (value) => typeof value === "string";
const isNumber: Check = (value) => Number.isSafeInteger(value);
const isSpoolEnd = record({ newestSequence: isNumber, bytes: isNumber });
const isProcess = record({ pid: isNumber, startTime: isNumber, bootId: isString });
const isHeldJob = record({ jobId: isString, attempt: isNumber, phase: isNumber, end: isSpoolEnd });
const isActor = record({ kind: isNumber, id: isString });
const isStop = record({ cause: isNumber, actor: nullable(isActor), graceMs: isNumber });
/** JSON whose form is checked by whoever parses it. */
const isJson: Check = () => true;
const answerFields: Fields<CallAnswer> = {
  done: {},
  message: { message: isJson },
  diff: { diff: isJson },
  published: { publication: isJson },
  refused: { refusal: isString, message: isString },
};
const isAnswer: Check = (value) => isMessage(value, answerFields);
const isModel = record({ baseUrl: isString, silenceMs: isNumber, dayBudgetMicros: isNumber });
const isTexts: Check = (value) => Array.isArray(value) && value.every(isString);
const isEgress = record({ allowed: Array.isArray, exemptAddresses: Array.isArray });
const isSettings = record({
  path: isString,
  taskWallMs: isNumber,
  maxLogBytes: isNumber,
  artifacts: record({ maxBytes: isNumber, minFreeBytes: isNumber }),
  model: isModel,
  redact: isTexts,
  egress: isEgress,
  share: record({ memoryBytes: isNumber, maxProcesses: isNumber, diskBytes: isNumber }),
});

const reportFields: Fields<Report> = {
  hello: { process: isProcess, held: nullable(isHeldJob) },
  appended: { end: isSpoolEnd },
  phase: { phase: isNumber },
  answered: { call: isNumber, answer: isAnswer },
  ended: { end: isSpoolEnd },
  free: {},
  warmed: { session: isString },
  cooled: { session: isString },
};

const isBoolean: Check = (value) => typeof value === "boolean";
const workFields: Fields<WorkCommand> = {
  diff: { call: isNumber, path: isString, statOnly: isBoolean, fromTurn: isNumber, toTurn: isNumber },
  push: { call: isNumber, branch: isJson },
  openRequest: { call: isNumber, branch: isString, pullRequest: isJson },
};
const isWork: Check = (value) => isMessage(value, workFields);

const commandFields: Fields<Command> = {
  ...workFields,
  run: { jobId: isString, slot: isNumber, settings: isSettings },
  recover: { jobId: isString },
  warm: { session: isString, agent: isString, settings: isSettings },
  serve: { place: isString, settings: isSettings, work: isWork },
  leave: {},
  stop: { stop: isStop },
  decide: { askId: isString, decision: isJson },
  message: { call: isNumber, message: isJson },
  mode: { call: isNumber, mode: isNumber, actor: nullable(isActor) },
  allowHost: { call: isNumber, host: isString, actor: nullable(isActor) },
};

function record(checks: Readonly<Record<string, Check>>): Check {
  return (value) =>
    isObject(value) &&
    Object.entries(checks).every(([name, check]) => Object.hasOwn(value, name) && check(value[name]));
}

function nullable(check: Check): Check {
  return (value) => value === null || check(value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function parseMessage<Message extends { kind: string }>(line: string, fields: Fields<Message>): Message {
  const value: unknown = JSON.parse(line);
  if (isMessage(value, fields)) return value;
  throw new Error(`control message is malformed: ${line.slice(0, 200)}`);
}

function isMessage<Message extends { kind: string }>(value: unknown, fields: Fields<Message>): value is Message {
  if (!isObject(value) || typeof value.kind !== "string" || !Object.hasOwn(fields, value.kind)) return false;
  const checks: Readonly<Record<string, Check>> = fields[value.kind as Message["kind"]];
  return record(checks)(value);
}

/** More than any message takes, in UTF-16 units: 1 MiB of text can be six times that as JSON. A job's process may write here too. */
const maxLineLength = 8 << 20;

function onLines(socket: Socket, handle: (line: string) => void): void {
  let rest = "";
  socket.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    try {
      for (const line of lines) handle(line);
      if (rest.length > maxLineLength) throw new Error(`control message is longer than ${maxLineLength}`);
    } catch (error) {
      socket.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  });
}
