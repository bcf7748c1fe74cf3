import type { RequestPermissionRequest, RequestPermissionResponse, StopReason } from "@agentclientprotocol/sdk";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import type { PermissionMode } from "#gen/job/v1/job_pb.js";
import { type AgentAction, rawLine } from "../agent-event.ts";
import type {
  AgentSteering,
  Conclusion,
  ExecutorJob,
  ModeAnswer,
  OutputLine,
  ProcessEnd,
  ProcessInput,
} from "../executor.ts";
import { parseJsonObject } from "../json-object.ts";
import { AgentConnection } from "./agent-connection.ts";
import { MessageTranslator } from "./message-to-events.ts";
import { type OpenSession, openSession, type SessionWish } from "./open-session.ts";
import { judgeEnd, type SessionEnd } from "./outcome.ts";
import { type PermissionAnswer, toAnswer, tooLargeAnswer, toQuestion } from "./permission-question.ts";

/** What a session needs of its job. */
export interface AcpSessionOptions {
  /** What the agent is called as long as it has not said its own name. */
  readonly name: string;
  readonly prompt: string;
  readonly wish: SessionWish;
  readonly job: Pick<ExecutorJob, "emit" | "ask" | "messages" | "modeChanged" | "untilRecorded">;
  /** A time in ms that never goes back. */
  readonly now: () => number;
}

/** One session of an agent that speaks the Agent Client Protocol: prompts go in, events and questions come out. */
export class AcpSession implements AgentSteering {
  readonly #options: AcpSessionOptions;
  readonly #translator: MessageTranslator;
  readonly #opened = Promise.withResolvers<OpenSession | undefined>();
  readonly #refusedTools: string[] = [];
  /** What the agent is told with its next prompt. */
  readonly #notes: string[] = [];
  #connection: AgentConnection | undefined;
  #agentName: string;
  /** Takes open questions back. */
  #asking = new AbortController();
  /** Set while a turn goes on. */
  #playing: OpenSession | undefined;
  #isInterrupted = false;
  #turns = 0;
  #end: SessionEnd | undefined;
  #isOver = false;

  constructor(options: AcpSessionOptions) {
    this.#options = options;
    this.#agentName = options.name;
    this.#translator = new MessageTranslator((mode) => options.job.modeChanged(mode));
  }

  /** Talks to the agent until it has nothing left to do, then closes its input. */
  begin(stdin: ProcessInput): void {
    const connection = new AgentConnection({
      write: (line) => stdin.write(line),
      answerPermission: (request, signal) => this.#ask(request, signal),
    });
    this.#connection = connection;
    void this.#converse(connection).then(
      (reason) => this.#leave(stdin, { kind: "stopped", reason }),
      (error: Error) => this.#leave(stdin, { kind: "failed", error }),
    );
  }

  /** Takes a line that was printed. */
  take(line: OutputLine): void {
    if (line.bytes.length === 0) return;
    const message = line.truncated ? undefined : parseJsonObject(decoder.decode(line.bytes));
    const actions = message && this.#translator.translate(message);
    if (actions) this.#emit(actions);
    else this.#options.job.emit({ case: "agent", value: rawLine(line) });
    if (message && message.text("method") !== "session/update") this.#connection?.take(message);
  }

  interrupt(): void {
    if (this.#isOver) return;
    this.#asking.abort();
    this.#asking = new AbortController();
    if (this.#playing) void this.#playing.cancel();
    else this.#isInterrupted = true;
  }

  async setMode(mode: PermissionMode): Promise<ModeAnswer> {
    const session = await this.#opened.promise;
    return session ? session.setMode(mode) : { kind: "refused", reason: "the agent has no session" };
  }

  /** Judges the session once its process has ended. */
  conclude(end: ProcessEnd): Conclusion {
    this.#emit(this.#translator.endTurn());
    this.#isOver = true;
    this.#opened.resolve(undefined);
    this.#connection?.close(new Error("the process has ended"));
    return { outcome: judgeEnd(this.#agentName, end, this.#end), result: this.#translator.lastText };
  }

  async #converse({ agent }: AgentConnection): Promise<StopReason> {
    const session = await openSession(agent, this.#options.wish);
    this.#agentName = session.agentName ?? this.#agentName;
    this.#emit([{ case: "session", value: session.description }]);
    this.#opened.resolve(session);
    let reason: StopReason;
    let prompt = this.#options.prompt;
    do {
      reason = await this.#play(session, prompt);
      await this.#options.job.untilRecorded();
      prompt = this.#nextPrompt(reason);
    } while (prompt !== "");
    return reason;
  }

  async #play(session: OpenSession, prompt: string): Promise<StopReason> {
    const begun = this.#options.now();
    this.#turns += 1;
    this.#refusedTools.length = 0;
    this.#translator.beginTurn();
    const turn = session.prompt(prompt);
    this.#playing = session;
    if (this.#isInterrupted) void session.cancel();
    this.#isInterrupted = false;
    try {
      const reason = await turn;
      this.#emit([...this.#translator.endTurn(), this.#turnResult(reason, this.#options.now() - begun)]);
      return reason;
    } finally {
      this.#playing = undefined;
    }
  }

  /** What people and their decisions have for the agent; empty when it shall leave. */
  #nextPrompt(reason: StopReason): string {
    const { messages } = this.#options.job;
    const notes = this.#notes.splice(0);
    if (reason === "cancelled" && messages.isEmpty) return "";
    return [...notes, ...messages.take().map(({ text }) => text)].join("\n\n");
  }

  #turnResult(reason: StopReason, durationMs: number): AgentAction {
    return {
      case: "turnResult",
      value: {
        isError: reason !== "end_turn",
        kind: reason,
        text: this.#translator.lastText,
        turns: this.#turns,
        duration: durationFromMs(Math.round(durationMs)),
        permissionDenials: [...this.#refusedTools],
      },
    };
  }

  async #ask(request: RequestPermissionRequest, taken: AbortSignal): Promise<RequestPermissionResponse> {
    const { job, wish } = this.#options;
    const call = this.#translator.findCall(request.toolCall.toolCallId);
    const question = toQuestion(request, call, wish.workspace);
    if (question === "too large") return this.#answer(tooLargeAnswer(request, call));
    const signal = AbortSignal.any([taken, this.#asking.signal]);
    const decision = await job.ask(question, { parentToolCallId: "", signal });
    if (decision?.verdict.case === "deny") this.#refusedTools.push(call.tool);
    return this.#answer(toAnswer(request, call, decision));
  }

  #answer({ outcome, note }: PermissionAnswer): RequestPermissionResponse {
    if (note !== "") this.#notes.push(note);
    return { outcome };
  }

  #leave(stdin: ProcessInput, end: SessionEnd): void {
    if (this.#isOver) return;
    this.#end = end;
    this.#opened.resolve(undefined);
    this.#options.job.messages.close();
    stdin.end();
  }

  #emit(actions: readonly AgentAction[]): void {
    if (this.#isOver) return;
    for (const event of actions) this.#options.job.emit({ case: "agent", value: { parentToolCallId: "", event } });
  }
}

const decoder = new TextDecoder();
