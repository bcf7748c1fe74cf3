import {
  type ClientContext,
  type InitializeResponse,
  type NewSessionResponse,
  PROTOCOL_VERSION,
  type SessionConfigOption,
  type StopReason,
} from "@agentclientprotocol/sdk";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { AgentSessionSchema } from "#gen/job/v1/job_event_pb.js";
import { PermissionMode } from "#gen/job/v1/job_pb.js";
import { version } from "../../version.ts";
import type { ModeAnswer } from "../executor.ts";
import { modeNamed, OfferedModes } from "./permission-modes.ts";

/** How a session shall be. */
export interface SessionWish {
  /** Absolute path. */
  readonly workspace: string;
  readonly permissionMode: PermissionMode;
  /** Empty: the agent's own choice. */
  readonly model: string;
  /** Empty: the agent's own choice. */
  readonly effort: string;
}

/** Introduces the runner to an agent. It offers neither files nor terminals: the agent works in the workspace itself. */
export async function greet(agent: ClientContext): Promise<InitializeResponse> {
  const answer = await agent.request("initialize", {
    protocolVersion: PROTOCOL_VERSION,
    clientInfo: { name: "blazecraft", title: "BlazeCraft Agent Runner", version },
    clientCapabilities: {},
  });
  if (answer.protocolVersion === PROTOCOL_VERSION) return answer;
  throw new Error(`it speaks version ${answer.protocolVersion} of the protocol, not ${PROTOCOL_VERSION}`);
}

/** Begins a session as it is wished. Throws when the agent cannot have it so. */
export async function openSession(agent: ClientContext, wish: SessionWish): Promise<OpenSession> {
  const { agentInfo } = await greet(agent);
  const opened = await agent.request("session/new", { cwd: wish.workspace, mcpServers: [] });
  const session = new OpenSession(agent, opened, agentInfo);
  await session.choose("model", wish.model);
  await session.choose("thought_level", wish.effort);
  await session.startIn(wish.permissionMode);
  return session;
}

/** A session that can be prompted. */
export class OpenSession {
  /** What the agent calls itself; undefined when it does not say. */
  readonly agentName: string | undefined;
  readonly #agent: ClientContext;
  readonly #sessionId: string;
  readonly #modes: OfferedModes;
  readonly #options: readonly SessionConfigOption[];
  readonly #version: string;
  #model: string;
  #mode: PermissionMode;

  constructor(agent: ClientContext, opened: NewSessionResponse, agentInfo: InitializeResponse["agentInfo"]) {
    this.agentName = agentInfo?.title || agentInfo?.name;
    this.#agent = agent;
    this.#sessionId = opened.sessionId;
    this.#modes = new OfferedModes(opened.modes);
    this.#options = opened.configOptions ?? [];
    this.#version = agentInfo?.version ?? "";
    this.#model = choicesOf(this.#options, "model").current;
    this.#mode = modeNamed(opened.modes?.currentModeId ?? "") ?? PermissionMode.UNSPECIFIED;
  }

  get description(): MessageInitShape<typeof AgentSessionSchema> {
    return {
      sessionId: this.#sessionId,
      model: this.#model,
      agentVersion: this.#version,
      permissionMode: this.#mode,
    };
  }

  /** Plays a turn. */
  async prompt(text: string): Promise<StopReason> {
    const { stopReason } = await this.#agent.request("session/prompt", {
      sessionId: this.#sessionId,
      prompt: [{ type: "text", text }],
    });
    return stopReason;
  }

  /** Asks the agent to leave its turn. */
  async cancel(): Promise<void> {
    await this.#agent.notify("session/cancel", { sessionId: this.#sessionId });
  }

  async setMode(mode: PermissionMode): Promise<ModeAnswer> {
    const modeId = this.#modes.idOf(mode);
    if (modeId === undefined) return { kind: "refused", reason: "the agent does not offer this permission mode" };
    try {
      await this.#agent.request("session/set_mode", { sessionId: this.#sessionId, modeId });
    } catch (error) {
      // It says no, or its process has ended.
      return { kind: "refused", reason: error instanceof Error ? error.message : String(error) };
    }
    this.#mode = mode;
    return { kind: "changed" };
  }

  /** Enters the mode of the job. An agent without modes asks when it deems that right, which is the usual mode. */
  async startIn(mode: PermissionMode): Promise<void> {
    const wanted = mode === PermissionMode.UNSPECIFIED ? PermissionMode.ASK : mode;
    if (wanted === this.#mode) return;
    const answer = await this.setMode(wanted);
    if (answer.kind === "refused" && wanted !== PermissionMode.ASK) throw new Error(answer.reason);
  }

  /** Chooses what the agent lets a client choose. */
  async choose(category: string, wanted: string): Promise<void> {
    if (wanted === "") return;
    const { configId, current, choices } = choicesOf(this.#options, category);
    const chosen = choices.find(({ value, name }) => value === wanted || name === wanted);
    if (configId === undefined || chosen === undefined) {
      const offer = choices.map(({ name }) => name).join(", ");
      throw new Error(`it does not offer "${wanted}"; ${offer === "" ? "it leaves no choice" : `it offers ${offer}`}`);
    }
    if (category === "model") this.#model = chosen.name;
    if (chosen.name === current) return;
    await this.#agent.request("session/set_config_option", {
      sessionId: this.#sessionId,
      configId,
      value: chosen.value,
    });
  }
}

/** The choices that an agent offers for one thing. */
function choicesOf(options: readonly SessionConfigOption[], category: string) {
  const option = options.find((candidate) => candidate.category === category && candidate.type === "select");
  if (option?.type !== "select") return { configId: undefined, current: "", choices: [] };
  const choices = option.options.flatMap((entry) => ("options" in entry ? entry.options : [entry]));
  const current = choices.find(({ value }) => value === option.currentValue)?.name ?? "";
  return { configId: option.id, current, choices };
}
