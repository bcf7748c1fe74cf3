import type { PermissionMode } from "#gen/job/v1/job_pb.js";
import { rawLine } from "../agent-event.ts";
import type {
  AgentSteering,
  Conclusion,
  ExecutorJob,
  ModeAnswer,
  OutputLine,
  ProcessEnd,
  ProcessInput,
} from "../executor.ts";
import { type JsonObject, parseJsonObject } from "../json-object.ts";
import { promptLine, refusalLine, responseLine } from "./input-line.ts";
import { LineTranslator } from "./line-to-events.ts";
import { judgeEnd } from "./outcome.ts";
import { cliModeName } from "./permission-mode.ts";
import { newestPlan } from "./plan-file.ts";
import { ProgramRequests } from "./program-requests.ts";
import { ToolConsent } from "./tool-consent.ts";
import { TurnLimit } from "./turn-limit.ts";

/** What a session needs of its job. */
export interface ClaudeSessionOptions {
  readonly prompt: string;
  /** Turns of the model; 0 is no limit. */
  readonly maxTurns: number;
  readonly job: Pick<ExecutorJob, "emit" | "ask" | "messages" | "modeChanged" | "untilRecorded" | "home" | "workspace">;
  /** The time in ms since 1970. */
  readonly now: () => number;
  /** What a program is asked for that was started before its job and greeted; undefined for one that was not. */
  readonly late?: readonly object[] | undefined;
}

/** One session of Claude Code: a prompt and messages go in, events come out, until a result that nobody has a word to. */
export class ClaudeSession implements AgentSteering {
  readonly #prompt: string;
  readonly #late: readonly object[] | undefined;
  readonly #job: ClaudeSessionOptions["job"];
  readonly #translator: LineTranslator;
  readonly #consent: ToolConsent;
  readonly #limit: TurnLimit;
  readonly #requests = new ProgramRequests((line) => this.#write(line));
  /** What is written before the input is open. */
  readonly #early: string[] = [];
  #stdin: ProcessInput | undefined;
  /** The newest result; undefined while a turn goes on. */
  #result: JsonObject | undefined;
  #isInterrupted = false;
  /** A message has begun another turn. */
  #isContinued = false;
  #limitReached = false;
  #keyRefused = false;
  /** Why the program did not become what its job wants. */
  #refusal: string | undefined;

  constructor({ prompt, maxTurns, job, now, late }: ClaudeSessionOptions) {
    this.#prompt = prompt;
    this.#late = late;
    this.#limit = new TurnLimit(maxTurns);
    this.#job = job;
    this.#translator = new LineTranslator({ now, onMode: (mode) => job.modeChanged(mode) });
    this.#consent = new ToolConsent({
      job,
      answer: (requestId, answer) => this.#write(responseLine(requestId, answer)),
      callOfSubAgent: (agentId) => this.#translator.subAgents.toolCallOf(agentId),
      readPlan: () => newestPlan(job.home),
    });
  }

  /** Gives the prompt. The input stays open until the last result, because answers and messages go in there. */
  begin(stdin: ProcessInput): void {
    this.#stdin = stdin;
    if (this.#late === undefined) void this.#requests.send(initialize);
    for (const line of this.#early.splice(0)) stdin.write(line);
    if (this.#late === undefined) this.#write(promptLine(this.#prompt));
    else void this.#beginLate(this.#late);
  }

  /** Gives the prompt once the program is what its job wants; when it refuses to be, the job ends without a turn. */
  async #beginLate(requests: readonly object[]): Promise<void> {
    const answers = await Promise.all(requests.map((request) => this.#requests.send(request)));
    const refused = answers.find((answer) => answer.kind === "refused");
    this.#refusal = refused?.error;
    if (refused === undefined) this.#write(promptLine(this.#prompt));
    else this.#end();
  }

  /** Takes a line that was printed. */
  take({ bytes, truncated }: OutputLine): void {
    if (bytes.length === 0) return;
    const line = truncated ? undefined : parseJsonObject(decoder.decode(bytes));
    const events = line && this.#translator.translate(line);
    for (const event of events ?? [rawLine({ bytes, truncated })]) this.#job.emit({ case: "agent", value: event });
    if (line) this.#follow(line);
  }

  interrupt(): void {
    this.#isInterrupted = true;
    void this.#requests.send({ subtype: "interrupt" });
  }

  async setMode(mode: PermissionMode): Promise<ModeAnswer> {
    const answer = await this.#requests.send({ subtype: "set_permission_mode", mode: cliModeName(mode) });
    return answer.kind === "done" ? { kind: "changed" } : { kind: "refused", reason: answer.error };
  }

  /** Judges the session once its process has ended. */
  conclude(end: ProcessEnd): Conclusion {
    return {
      outcome: judgeEnd(end, {
        result: this.#result,
        keyRefused: this.#keyRefused,
        limitReached: this.#limitReached,
        refusal: this.#refusal,
      }),
      result: this.#result?.text("result") ?? "",
    };
  }

  #write(line: string): void {
    if (this.#stdin === undefined) this.#early.push(line);
    else this.#stdin.write(line);
  }

  #follow(line: JsonObject): void {
    switch (line.text("type")) {
      case "system":
        if (line.text("subtype") === "init") this.#beginTurn();
        if (line.text("subtype") === "api_retry") this.#watchKey(line);
        break;
      case "assistant":
        this.#consent.watch(line.object("message"));
        break;
      case "control_request":
        this.#serve(line.text("request_id"), line.object("request"));
        break;
      case "control_cancel_request":
        this.#consent.cancel(line.text("request_id"));
        break;
      case "control_response":
        this.#requests.answered(line.object("response"));
        break;
      case "result":
        void this.#endTurn(line);
        break;
    }
  }

  #serve(requestId: string, request: JsonObject): void {
    const subtype = request.text("subtype");
    switch (subtype) {
      case "can_use_tool":
        void this.#consent.request(requestId, request);
        break;
      case "hook_callback":
        // Sub-agents have steps of their own.
        this.#write(responseLine(requestId, request.object("input").text("agent_id") === "" ? this.#endStep() : {}));
        break;
      default:
        this.#write(refusalLine(requestId, `nobody answers "${subtype}" here`));
    }
  }

  /** What the program is told, which waits with asking the model again. */
  #endStep(): object {
    this.#limit.spend();
    // The limit of the first prompt is the program's own to keep.
    this.#limitReached = this.#isContinued && this.#limit.isReached;
    if (this.#limitReached) return { continue: false, stopReason: "The limit of turns is reached." };
    // A turn that is being left takes no more, nor does one that has no step left.
    if (!this.#isInterrupted && !this.#limit.isReached) this.#deliverMessages();
    return {};
  }

  #beginTurn(): void {
    this.#result = undefined;
    // One that came before has found nothing to interrupt.
    this.#isInterrupted = false;
  }

  async #endTurn(result: JsonObject): Promise<void> {
    this.#result = result;
    this.#isInterrupted = false;
    this.#limit.spend();
    if (result.count("queued_turn_count") > 0) return;
    const recorded = this.#job.untilRecorded();
    if (recorded !== undefined) await recorded;
    if (this.#mayGoOn(result) && this.#deliverMessages()) this.#isContinued = true;
    else this.#end();
  }

  #mayGoOn(result: JsonObject): boolean {
    if (this.#keyRefused || result.text("subtype") === "error_max_turns") return false;
    this.#limitReached ||= this.#limit.isReached && !this.#job.messages.isEmpty;
    return !this.#limitReached;
  }

  #end(): void {
    this.#job.messages.close();
    this.#stdin?.end();
  }

  /** False when there are none. They go in as one prompt, so that they are one turn. */
  #deliverMessages(): boolean {
    const texts = this.#job.messages.take().map(({ text }) => text);
    if (texts.length > 0) this.#write(promptLine(...texts));
    return texts.length > 0;
  }

  /** A key that is refused twice stays wrong, but Claude Code would try it for minutes. */
  #watchKey(retry: JsonObject): void {
    if (this.#keyRefused || retry.count("error_status") !== 401 || retry.count("attempt") < 2) return;
    this.#keyRefused = true;
    this.interrupt();
  }
}

/** Has Claude Code wait for us after each step, before it asks the model again: that is when messages are delivered. */
export const initialize = { subtype: "initialize", hooks: { PostToolBatch: [{ hookCallbackIds: ["step"] }] } };

const decoder = new TextDecoder();
