/** The asks of one Job: which wait, how each was decided, and what of that the runner and the fleet know yet. */
import { create, equals } from "@bufbuild/protobuf";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { type Ask, AskState, type Decision, DecisionSchema } from "#gen/job/v1/ask_pb.js";
import { ActorKind } from "#gen/job/v1/job_pb.js";
import type { ProblemInit } from "#protocol/problem.ts";
import { durationInWords } from "../duration-in-words.ts";
import { askNotFound, closedBefore } from "./ask-refusals.ts";
import type { AskStore, KnownAsk } from "./ask-store.ts";
import { refuseVerdict } from "./verdict.ts";

/** What became of a decision: the Ask as it stands, and why it was not decided by it. */
export interface Decided {
  readonly ask: Ask | undefined;
  readonly refused: ProblemInit | undefined;
}

/** A decision that the agent has not been seen to get. */
export interface DecidedAsk {
  readonly askId: string;
  readonly decision: Decision;
}

/** Changes are kept in memory until `save`, which belongs into the transaction that stores the events behind them. */
export class Asks {
  readonly #store: AskStore;
  /** Those that wait, that are on their way to agent or fleet, or that are not stored yet. */
  readonly #unsettled: Map<string, KnownAsk>;
  readonly #unsaved = new Set<string>();

  constructor(store: AskStore) {
    this.#store = store;
    this.#unsettled = new Map(store.unsettled().map((known) => [known.ask.id, known]));
  }

  /** How many wait for a person. */
  get openCount(): number {
    return this.#open().length;
  }

  /** When the next one expires, or undefined. */
  get expireMs(): number | undefined {
    const times = this.#open().flatMap(({ expireTime }) => (expireTime === undefined ? [] : [timestampMs(expireTime)]));
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Those that the fleet does not know as they stand. */
  get unindexed(): readonly Ask[] {
    return this.#all().flatMap(({ ask, isIndexed }) => (isIndexed ? [] : [ask]));
  }

  /** Decisions to be passed on to the agent until their event comes back. */
  get undelivered(): readonly DecidedAsk[] {
    return this.#all().flatMap(({ ask: { id, decision }, isClosed }) =>
      isClosed || decision === undefined ? [] : [{ askId: id, decision }],
    );
  }

  /** Takes an event of the runner's. */
  take(ask: Ask): void {
    const known = this.#find(ask.id);
    const isOpen = ask.state === AskState.OPEN;
    // The runner opens an ask before it hears of a decision.
    if (isOpen && known !== undefined) return;
    this.#put({
      ask,
      decisionKey: known?.decisionKey ?? "",
      isClosed: !isOpen,
      isIndexed: known?.isIndexed === true && known.ask.state === ask.state,
    });
  }

  /** Decides an ask if nobody has before. The same call of the same caller again is answered as it was. */
  decide(id: string, decision: Decision, key: string): Decided {
    const known = this.#find(id);
    if (known === undefined) return { ask: undefined, refused: askNotFound(id) };
    const { ask } = known;
    if (ask.state !== AskState.OPEN) {
      return { ask, refused: isRepeated(known, decision, key) ? undefined : closedBefore(ask, Date.now()) };
    }
    const refused = refuseVerdict(ask.question, decision.verdict);
    if (refused !== undefined) return { ask, refused };
    const decided = { ...ask, state: AskState.DECIDED, decision };
    this.#put({ ...known, ask: decided, decisionKey: key, isIndexed: false });
    return { ask: decided, refused: undefined };
  }

  /** Denies what nobody answered in time. */
  expire(nowMs: number): void {
    for (const ask of this.#open()) {
      if (ask.expireTime === undefined || timestampMs(ask.expireTime) > nowMs) continue;
      const decision = expiry(ask, nowMs);
      const expired = { ...ask, state: AskState.EXPIRED, decision };
      this.#put({ ask: expired, decisionKey: "", isClosed: false, isIndexed: false });
    }
  }

  /** Closes whatever the agent cannot be told any more, and answers with what that changed. */
  withdrawAll(): readonly Ask[] {
    const left = this.#all().filter(({ isClosed }) => !isClosed);
    return left.map((known) => {
      const ask = { ...known.ask, state: AskState.WITHDRAWN };
      this.#put({ ...known, ask, isClosed: true, isIndexed: false });
      return ask;
    });
  }

  /** Notes what the fleet knows, of those that have not changed meanwhile. */
  setIndexed(asks: readonly Ask[]): void {
    for (const ask of asks) {
      const known = this.#unsettled.get(ask.id);
      if (known?.ask === ask) this.#put({ ...known, isIndexed: true });
    }
  }

  /** Stores what changed. */
  save(): void {
    for (const id of this.#unsaved) {
      const known = this.#unsettled.get(id);
      if (known === undefined) continue;
      this.#store.save(known);
      if (known.isClosed && known.isIndexed) this.#unsettled.delete(id);
    }
    this.#unsaved.clear();
  }

  #put(known: KnownAsk): void {
    this.#unsettled.set(known.ask.id, known);
    this.#unsaved.add(known.ask.id);
  }

  #find(id: string): KnownAsk | undefined {
    return this.#unsettled.get(id) ?? this.#store.find(id);
  }

  #all(): readonly KnownAsk[] {
    return [...this.#unsettled.values()];
  }

  #open(): readonly Ask[] {
    return this.#all().flatMap(({ ask }) => (ask.state === AskState.OPEN ? [ask] : []));
  }
}

function isRepeated({ ask, decisionKey }: KnownAsk, { actor, verdict }: Decision, key: string): boolean {
  const { decision } = ask;
  if (key === "" || key !== decisionKey || decision === undefined || decision.actor?.id !== actor?.id) return false;
  return equals(
    DecisionSchema,
    create(DecisionSchema, { verdict: decision.verdict }),
    create(DecisionSchema, { verdict }),
  );
}

function expiry({ createTime, expireTime }: Ask, nowMs: number): Decision {
  const [from, to] = [createTime, expireTime].map((time) => (time === undefined ? nowMs : timestampMs(time)));
  const waited = durationInWords((to ?? nowMs) - (from ?? nowMs));
  return create(DecisionSchema, {
    decideTime: timestampFromMs(nowMs),
    actor: { kind: ActorKind.GATEWAY },
    verdict: { case: "deny", value: { message: `Nobody answered within ${waited}, so it was denied.` } },
  });
}
