import { fromJson, toJson } from "@bufbuild/protobuf";
import { DecisionSchema } from "#gen/job/v1/ask_pb.js";
import { type Message, MessageSchema } from "#gen/job/v1/job_event_pb.js";
import type { PermissionMode } from "#gen/job/v1/job_pb.js";
import type { AgentSteering, EventPayload } from "../executor/executor.ts";
import { Asks } from "./asks.ts";
import type { CallAnswer, CommandActor, SteeringCommand } from "./control.ts";
import type { JobEgress } from "./job-egress.ts";
import { Messages } from "./messages.ts";
import { PermissionModes } from "./permission-modes.ts";
import type { SteeringLine } from "./runner-link.ts";
import { Waits } from "./waits.ts";

/** What steering one attempt needs. */
export interface SteeringOptions {
  readonly jobId: string;
  readonly permissionMode: PermissionMode;
  readonly askMs: number;
  readonly emit: (payload: EventPayload) => void;
  readonly line: SteeringLine;
  readonly egress: JobEgress;
}

/** How people steer one attempt: what they are asked, what they tell its agent, and what they let it do. */
export class Steering {
  readonly waits: Waits;
  readonly asks: Asks;
  readonly messages: Messages;
  readonly #modes: PermissionModes;
  readonly #options: SteeringOptions;
  #agent: AgentSteering | undefined;
  #isOver = false;
  #modeChange: Promise<void> = Promise.resolve();
  /** The mode that the agent was told to enter, and by whom. */
  #wanted: { readonly mode: PermissionMode; readonly actor: CommandActor | null } | undefined;

  constructor(options: SteeringOptions) {
    const { jobId, askMs, emit, permissionMode } = options;
    this.#options = options;
    this.waits = new Waits({ onStatus: (status) => emit({ case: "stateChanged", value: { status } }) });
    this.asks = new Asks({ jobId, askMs, emit, waits: this.waits, now: Date.now });
    this.messages = new Messages({ emit, onQueued: (message) => this.#onQueued(message) });
    this.#modes = new PermissionModes(permissionMode, emit);
    options.line.onSteering((command) => this.#obey(command));
  }

  /** What the agent may do unasked. */
  get permissionMode(): PermissionMode {
    return this.#modes.current;
  }

  /** From now on there is an agent to steer, which was started in this mode. */
  attach(agent: AgentSteering, startedIn: PermissionMode): void {
    this.#agent = agent;
    if (this.permissionMode !== startedIn) void agent.setMode(this.permissionMode);
  }

  /** Hears from the agent which mode it is in. */
  modeChanged(mode: PermissionMode): void {
    const actor = this.#wanted?.mode === mode ? this.#wanted.actor : null;
    this.#modes.change(mode, actor ?? undefined);
  }

  /** Asks the agent to leave its turn; false when there is none. */
  interrupt(actor: CommandActor | null): boolean {
    if (this.#agent === undefined) return false;
    const value = actor === null ? {} : { actor };
    this.#options.emit({ case: "process", value: { event: { case: "interrupted", value } } });
    this.#agent.interrupt();
    return true;
  }

  /** Nothing is asked, told or changed any more. */
  close(): void {
    this.#isOver = true;
    this.asks.close();
    this.messages.close();
    this.#agent = undefined;
  }

  #obey(command: SteeringCommand): void {
    switch (command.kind) {
      case "decide":
        this.asks.decide(command.askId, fromJson(DecisionSchema, command.decision, known));
        return;
      case "message":
        this.#options.line.answer(command.call, this.#receive(fromJson(MessageSchema, command.message, known)));
        return;
      case "mode":
        // One after the other, so that each is told with who wanted it.
        this.#modeChange = this.#modeChange.then(async () => {
          this.#options.line.answer(command.call, await this.#setMode(command.mode, command.actor));
        });
        return;
      case "allowHost":
        this.#options.line.answer(command.call, this.#allowHost(command.host, command.actor));
        return;
      default:
        command satisfies never;
    }
  }

  #allowHost(host: string, actor: CommandActor | null): CallAnswer {
    if (this.#isOver) return { kind: "refused", refusal: "ended", message: "the job is at its end" };
    return this.#options.egress.allow(host, actor);
  }

  #onQueued({ interrupt, author }: Message): void {
    if (interrupt) this.interrupt(author ?? null);
  }

  #receive(message: Message): CallAnswer {
    const receipt = this.messages.receive(message);
    switch (receipt.kind) {
      case "accepted":
        return { kind: "message", message: toJson(MessageSchema, receipt.message) };
      case "consumed":
        return { kind: "refused", refusal: "consumed", message: `the agent has ${message.id} already` };
      case "ended":
        return { kind: "refused", refusal: "ended", message: "the agent takes no more messages" };
    }
  }

  async #setMode(mode: PermissionMode, actor: CommandActor | null): Promise<CallAnswer> {
    if (this.#isOver) return { kind: "refused", refusal: "ended", message: "the agent is at its end" };
    if (mode === this.permissionMode) return { kind: "done" };
    this.#wanted = { mode, actor };
    // Before it runs there is nobody to tell: it is started in the mode.
    const answer = (await this.#agent?.setMode(mode)) ?? { kind: "changed" };
    this.#wanted = undefined;
    if (answer.kind === "refused") return { kind: "refused", refusal: "unsupported", message: answer.reason };
    this.#modes.change(mode, actor ?? undefined);
    return { kind: "done" };
  }
}

const known = { ignoreUnknownFields: true };
