import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AskSchema, Decision } from "#gen/job/v1/ask_pb.js";
import type { JobEventSchema, Message } from "#gen/job/v1/job_event_pb.js";
import type { JobSpec, OutcomeSchema, PermissionMode } from "#gen/job/v1/job_pb.js";
import type { AcpAgent } from "./acp/acp-agent.ts";

/**
 * One kind of work. An executor says which process to start, turns what that process prints into events, and judges how
 * it ended. It never starts, stops or waits for the process itself: the supervisor does, the same way for every executor.
 */
export interface Executor {
  /** What GetRunner calls it: "task", or the AgentWork.agent that it drives. */
  readonly name: string;
  /** Whether its program is there; asked once when the runner starts, without a job. */
  probe(settings: ExecutorSettings, signal: AbortSignal): Promise<ExecutorStatus>;
  /** Decides what to start for a job whose workspace is ready. Throws Unstartable when it can tell that nothing can be. */
  prepare(job: ExecutorJob): Promise<Execution>;
  /** How later jobs go on with what its agent remembers; absent when they cannot. */
  readonly sessions?: AgentSessions;
  /** How its program is started before there is a job for it; absent when it cannot be. */
  readonly early?: EarlyStart;
}

/** How an agent's program is started in an empty workspace, to wait there for the first prompt. */
export interface EarlyStart {
  /** Whether such a program can do all that a job wants: nothing is left that it would have to be told when it starts. */
  serves(spec: JobSpec, settings: ExecutorSettings): boolean;
  /** What to start. Throws Unstartable when nothing can be. */
  prepare(place: EarlyPlace): Promise<EarlyLaunch>;
}

/** Where a program waits for a job. */
export interface EarlyPlace {
  readonly settings: ExecutorSettings;
  /** Name of its session. */
  readonly session: string;
  /** Absolute path of its TMPDIR. */
  readonly tmp: string;
  /** Where it will find its model, and what it gives there as its key. */
  readonly model: { readonly address: ModelAddress; readonly token: string };
}

/** A program and its whole command line. */
export interface Launch {
  /** The program and its arguments; the program is looked up in the process's PATH when it holds no slash. */
  readonly argv: readonly [string, ...string[]];
  /**
   * Variables to add. The process's environment is otherwise clean: PATH, HOME, TMPDIR, LANG, LC_ALL, TERM, CI and
   * BLAZECRAFT_JOB_ID, then the spec's env, then these.
   */
  readonly env: Readonly<Record<string, string>>;
  /**
   * Absolute paths of what it needs to read, besides the system's programs: itself, where it lies elsewhere, and what the
   * runner wrote for it. Its workspace, home and tmp are its own.
   */
  readonly readable: readonly string[];
}

/** A program that is to wait for a job. */
export interface EarlyLaunch extends Launch {
  /** Written to its input at once; it is ready when it answers. */
  readonly greeting: string;
  /** Brings the variables of its job to what it will start. */
  readonly tell: (variables: Readonly<Record<string, string>>) => void;
}

/** The sessions of an agent in its own store, which lies in the job's HOME. */
export interface AgentSessions {
  /** Id of the session that a job begins, by the name that it has on the runner: mostly the job's id. */
  idFor(session: string): string;
  /** Whether the store in this HOME has the session. */
  holds(sessionId: string, home: string): boolean;
  /** What of HOME is its store, as paths in it. The next job finds nothing else there: it would be settings that nobody chose. */
  readonly store: readonly string[];
}

/** Whether an executor can be used on this runner. */
export type ExecutorStatus =
  /** The version is empty when no program is behind the executor. */
  | { readonly kind: "usable"; readonly version: string }
  /** One sentence for a person: what is missing and how to get it. */
  | { readonly kind: "unusable"; readonly problem: string };

/** What the operator configured for executors. */
export interface ExecutorSettings {
  /** Directories to search for programs, separated by colons: the runner's PATH and the node_modules/.bin beside it. */
  readonly searchPath: string;
  /** JOB_PATH: the PATH of every job's process. Absent: searchPath. */
  readonly jobPath?: string;
  /** CLAUDE_PATH: the program to run as Claude Code instead of the first `claude` in searchPath. */
  readonly claudePath?: string;
  /** The `mcpServers` of MCP_CONFIG: servers that jobs may name, as agents configure them. */
  readonly mcpServers?: Readonly<Record<string, object>>;
  /** ALLOW_REPOSITORY_SETTINGS: agents heed what a repository sets, its hooks among it. Absent: they do not. */
  readonly allowRepositorySettings?: boolean;
  /** ACP_AGENTS: agents that speak the Agent Client Protocol, by the names of their executors. */
  readonly acpAgents?: Readonly<Record<string, AcpAgent>>;
}

/** One attempt as its executor sees it. */
export interface ExecutorJob {
  readonly jobId: string;
  readonly attempt: number;
  readonly spec: JobSpec;
  readonly settings: ExecutorSettings;
  /** Absolute path of the workspace, the working directory of the process. */
  readonly workspace: string;
  /** Absolute path of the job's HOME; lives as long as the job's directory. */
  readonly home: string;
  /** Absolute path of the job's TMPDIR; removed when the process has ended. */
  readonly tmp: string;
  /** Name of its session on the runner. */
  readonly session: string;
  /** Id of the session that the agent shall go on with. Absent when it begins one. */
  readonly resumes?: string;
  /** The job's program, when it was started early and waits; `prepare` then answers how it was started. */
  readonly waiting?: Launch;
  /** Files that the job gives its agent. Absent when it gives none. */
  readonly attachments?: AttachedFiles;
  /** Writes an event, in order with the log; its time is now. The supervisor numbers and stores it. */
  emit(payload: EventPayload): void;
  /** What the agent may do unasked when it starts; a person may have changed what the spec says. */
  readonly permissionMode: PermissionMode;
  /**
   * Asks people, and answers how they decided; undefined when the question was taken back by its signal, or the attempt
   * ends. The job is WAITING meanwhile. The decision has been written as an event when it is answered.
   */
  ask(question: AskQuestion, context: AskContext): Promise<Decision | undefined>;
  /** The way to the agent's model; undefined when the operator gave no key. */
  readonly model: ModelAccess | undefined;
  /** What people tell the agent. */
  readonly messages: MessageQueue;
  /**
   * Settles once the work is recorded as it stood when the last turn ended: before that, nothing may begin another.
   * Undefined when nothing is being recorded.
   */
  untilRecorded(): Promise<void> | undefined;
  /** Says in which permission mode the agent is. A mode that it is known to be in already is not news. */
  modeChanged(mode: PermissionMode): void;
}

/** Files for an agent, to be read only. */
export interface AttachedFiles {
  /** Absolute path, outside the workspace. */
  readonly directory: string;
  /** What is in it. */
  readonly names: readonly string[];
}

/** What an ask asks. */
export type AskQuestion = NonNullable<MessageInitShape<typeof AskSchema>["question"]> & { readonly case: string };

/** Who asks, and until when. */
export interface AskContext {
  /** The tool call of the main agent inside which a sub-agent asks; empty for the main agent. */
  readonly parentToolCallId: string;
  /** Takes the question back. */
  readonly signal: AbortSignal;
}

/** The way of a job's agent to its model. What goes over it is counted, and bounded by budgets. */
export interface ModelAccess {
  /** What the agent gives as its key. It is worth nothing to anybody else. */
  readonly token: string;
  /** Begins to listen until the attempt ends; called once. A socket may become a port where its path would be too long. */
  listen(place: "socket" | "loopback"): Promise<ModelAddress>;
}

/** Where an agent finds its model: plain HTTP either way. */
export type ModelAddress =
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "loopback"; readonly url: string };

/** Messages that wait for the agent. It takes them between two steps, and when its turn has ended. */
export interface MessageQueue {
  readonly isEmpty: boolean;
  /** The messages in order; from now on the agent has them. */
  take(): readonly Message[];
  /** Says that the agent takes no more. */
  close(): void;
}

/** The payload of an event that is about to be written. */
export type EventPayload = NonNullable<MessageInitShape<typeof JobEventSchema>["payload"]>;

/** What to start, and who reads what it prints. Standard error always goes to the job's log. */
export interface Execution extends Launch {
  readonly stdin: ExecutionInput;
  /** How long the process may stay once its input was closed before it is ended; absent: as long as it likes. */
  readonly lingerMs?: number;
  readonly stdout: ExecutionOutput;
  /** How people steer it while it runs; absent when they cannot. */
  readonly steering?: AgentSteering;
  /** Called once, after the process ended and the last of its output was handed over. */
  conclude(end: ProcessEnd): Conclusion;
}

/** What the supervisor has an agent do while it runs. */
export interface AgentSteering {
  /** Asks it to leave its turn. It then takes the messages that wait, or ends when there are none. */
  interrupt(): void;
  /** Changes what it may do unasked, from its next tool call on. */
  setMode(mode: PermissionMode): Promise<ModeAnswer>;
}

/** Whether an agent changed its permission mode. */
export type ModeAnswer =
  | { readonly kind: "changed" }
  /** One lower-case fact. */
  | { readonly kind: "refused"; readonly reason: string };

/** Where the process reads from. */
export type ExecutionInput =
  /** /dev/null. */
  | { readonly kind: "none" }
  /** A pipe, handed over once the process runs. */
  | { readonly kind: "pipe"; readonly opened: (stdin: ProcessInput) => void };

/** Where standard output goes. */
export type ExecutionOutput =
  /** Into the job's log, byte for byte. */
  | { readonly kind: "log" }
  /** To the executor, line by line and without line ends; the last line may lack its end. */
  | {
      readonly kind: "lines";
      /** Longer lines are cut here and arrive with `truncated`. */
      readonly maxLineBytes: number;
      readonly line: (line: OutputLine) => void;
    };

/** While an agent writes line upon line they are read so many ms apart: to be woken by each costs more than to read it. */
export const lineGapMs = 8;

/** A line of output. */
export interface OutputLine {
  /** Valid only during the call; copy what must be kept. */
  readonly bytes: Uint8Array;
  readonly truncated: boolean;
}

/** The writing end of a process's standard input. */
export interface ProcessInput {
  /** Writes at once, in order. Dropped when the process no longer reads. */
  write(text: string): void;
  /** Closes the pipe; further writes are dropped. */
  end(): void;
}

/** How the process ended. */
export type ProcessEnd =
  | { readonly kind: "exited"; readonly exitCode: number }
  | { readonly kind: "signaled"; readonly signal: string };

/**
 * The executor's judgement. When the supervisor stopped the process (cancel, a limit, a stopped runner) its own cause
 * replaces `outcome`, and only `result` is used.
 */
export interface Conclusion {
  readonly outcome: MessageInitShape<typeof OutcomeSchema>;
  /** The agent's final text; empty for tasks. Cut at 16 KiB by the supervisor. */
  readonly result: string;
}

/** Thrown by `prepare` when nothing can be started; the job ends with this outcome. */
export class Unstartable extends Error {
  readonly outcome: MessageInitShape<typeof OutcomeSchema>;

  constructor(outcome: MessageInitShape<typeof OutcomeSchema> & { readonly message: string }) {
    super(outcome.message);
    this.name = "Unstartable";
    this.outcome = outcome;
  }
}
