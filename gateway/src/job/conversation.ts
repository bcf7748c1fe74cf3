/** What people and a Job's agent say to each other: asks and their decisions, messages, the permission mode. */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs, timestampNow } from "@bufbuild/protobuf/wkt";
import { type AskRule, AskRuleVerdict, type Decision, DecisionSchema } from "#gen/job/v1/ask_pb.js";
import { type Message, MessageSchema, MessageState } from "#gen/job/v1/job_event_pb.js";
import type { Actor, Job, PermissionMode } from "#gen/job/v1/job_pb.js";
import type { NewMessage, SendMessageRequest } from "#gen/job/v1/job_service_pb.js";
import type { ProblemInit } from "#protocol/problem.ts";
import { type Answer, refusalOf } from "../answer.ts";
import type { AskMatch, AskReport } from "../ask-report.ts";
import type { Decided } from "./asks.ts";
import { Courier, type CourierParts } from "./courier.ts";
import { isFinal } from "./job-state.ts";
import { agentGone, isStarting, noAgent } from "./message-refusals.ts";

/** One decision on some asks of the Job. */
export interface DecisionWish {
  readonly askIds: readonly string[];
  readonly decision: Decision;
  /** Makes it safe to repeat; may be empty. */
  readonly key: string;
}

/** A call of SendMessage. */
export interface MessageWish {
  readonly action: SendMessageRequest["action"];
  readonly author: Actor;
  /** Of a new message. */
  readonly id: string;
  readonly requestDigest: string;
}

/** What a Conversation is held with. */
export interface ConversationParts extends CourierParts {
  /** Keeps the object awake until this is done. */
  readonly own: (work: Promise<unknown>) => void;
  /** Tells the fleet which asks changed, and hears which of them rules decide. */
  readonly report: (report: AskReport) => Promise<readonly AskMatch[]>;
}

/** What is on its way is brought again so often. */
const againMs = 5_000;
/** Asks in one report: each may have 1 MiB, and a call between objects 32. */
const maxReported = 16;

export class Conversation {
  readonly #parts: ConversationParts;
  readonly #courier: Courier;

  constructor(parts: ConversationParts) {
    this.#parts = parts;
    this.#courier = new Courier(parts);
  }

  /** When something is to be done again, or an ask expires. */
  get dueMs(): number | undefined {
    const times = [this.#parts.record.asks.expireMs, this.#courier.hasWork ? Date.now() + againMs : undefined];
    const due = times.filter((time) => time !== undefined);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  /** Does what is due: denies what nobody answered in time, and brings the runner what it does not have. */
  goOn(): void {
    const { record } = this.#parts;
    const { expireMs } = record.asks;
    if (expireMs !== undefined && expireMs <= Date.now()) record.commit(() => record.asks.expire(Date.now()));
    // What does not get through is brought again by the alarm.
    if (this.#courier.hasWork) this.#parts.own(this.#courier.deliver().catch(() => undefined));
  }

  /** Decides asks, each on its own and durably. */
  decide({ askIds, decision, key }: DecisionWish): readonly Decided[] {
    const { record } = this.#parts;
    const now = Date.now();
    const decided = record.commit(() => {
      record.asks.expire(now);
      return askIds.map((id) => record.asks.decide(id, { ...decision, decideTime: timestampFromMs(now) }, key));
    });
    this.goOn();
    return decided;
  }

  /** Decides asks by rules of the fleet's. */
  decideByRules(matches: readonly AskMatch[]): void {
    for (const { askId, rule } of matches) this.decide({ askIds: [askId], decision: rulingOf(rule), key: "" });
  }

  /** Tells the fleet of some asks that changed, and follows the rules that it knows for them. */
  async report(): Promise<void> {
    const { record, report } = this.#parts;
    const { id: jobId, spec } = record.memory.job;
    const asks = record.asks.unindexed.slice(0, maxReported);
    if (asks.length === 0) return;
    const matches = await report({ jobId, repoRef: spec?.repoRef ?? "", labels: spec?.labels ?? {}, asks });
    // In this order: were it cut short in between, the fleet would be asked again.
    this.decideByRules(matches);
    record.commit(() => record.asks.setIndexed(asks));
  }

  /** Sends, changes or withdraws a message. */
  async message(wish: MessageWish): Promise<Answer<Message>> {
    const { action, id, requestDigest } = wish;
    const { record } = this.#parts;
    const sent = action.case === "send" ? record.messages.sent(id, requestDigest) : undefined;
    const refused = this.#refuse();
    if (sent !== undefined) return sent;
    if (refused !== undefined) return { refused };
    switch (action.case) {
      case "send":
        return this.#send(wish, action.value);
      case "edit": {
        const { id: messageId, text } = action.value;
        return await this.#change(messageId, (message) => ({ ...message, text }));
      }
      case "withdrawId":
        return await this.#change(action.value, (message) => ({ ...message, state: MessageState.WITHDRAWN }));
      case undefined:
        throw new Error("validation let a message without an action through");
    }
  }

  /** Changes what the agent may do unasked: at once while the Job waits, by its runner's word while it runs. */
  async setMode(mode: PermissionMode, actor: Actor): Promise<Answer<Job>> {
    const { record } = this.#parts;
    const refused = this.#refuse() ?? this.#refuseWhileStarting();
    if (refused !== undefined) return { refused };
    if (record.isHeld) {
      try {
        await this.#courier.call(({ runner, key }) => runner.setPermissionMode({ ...key, mode, actor }));
      } catch (error) {
        return { refused: refusalOf(error) };
      }
    } else record.setPermissionMode(mode, actor);
    return { ok: record.view() };
  }

  #send({ id, author, requestDigest }: MessageWish, { text, interrupt }: NewMessage): Answer<Message> {
    const { record } = this.#parts;
    const state = MessageState.QUEUED;
    const message = create(MessageSchema, { id, createTime: timestampNow(), state, text, author, interrupt });
    const answer = record.commit((write) => {
      const taken = record.messages.send(message, requestDigest);
      if ("ok" in taken) write({ case: "message", value: message });
      return taken;
    });
    this.goOn();
    return answer;
  }

  async #change(id: string, edit: (message: Message) => Message): Promise<Answer<Message>> {
    const { record } = this.#parts;
    const found = record.messages.queued(id);
    if ("refused" in found) return found;
    const refused = this.#refuseWhileStarting();
    if (refused !== undefined) return { refused };
    const message = edit(found.ok);
    if (!record.isHeld) {
      record.commit((write) => {
        record.messages.change(message);
        write({ case: "message", value: message });
      });
      return { ok: message };
    }
    try {
      return { ok: await this.#courier.change(message) };
    } catch (error) {
      return { refused: refusalOf(error) };
    }
  }

  #refuse(): ProblemInit | undefined {
    const { state, memory } = this.#parts.record;
    const { id, spec } = memory.job;
    if (spec?.work.case !== "agent") return noAgent(id);
    return isFinal(state) ? agentGone(id) : undefined;
  }

  #refuseWhileStarting(): ProblemInit | undefined {
    const { holder, job } = this.#parts.record.memory;
    return holder?.phase === "starting" ? isStarting(job.id) : undefined;
  }
}

/** The decision that a rule makes, in the name of who stored it. */
function rulingOf({ id: rule, rule: text, creator, verdict }: AskRule): Decision {
  const denial = { case: "deny", value: { message: `Denied by the rule ${text}.` } } as const;
  const isDenial = verdict === AskRuleVerdict.DENY;
  return create(DecisionSchema, {
    rule,
    verdict: isDenial ? denial : { case: "allow", value: {} },
    ...(creator === undefined ? {} : { actor: creator }),
  });
}
