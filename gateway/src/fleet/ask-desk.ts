/** What the fleet knows and decides about the asks of all Jobs. */
import { create } from "@bufbuild/protobuf";
import { durationFromMs, durationMs, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { type Ask, type AskRule, AskRuleSchema, AskState } from "#gen/job/v1/ask_pb.js";
import type { Actor } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { ProblemInit } from "#protocol/problem.ts";
import { type Answer, keyReused } from "../answer.ts";
import type { AskPage, AskPageWish } from "../ask-page.ts";
import type { AskMatch, AskReport } from "../ask-report.ts";
import { AskIndex, repositoryOf } from "./ask-index.ts";
import { AskRules, decides, decidingRule, maxRules } from "./ask-rules.ts";

/** A rule to be stored, or only tried. */
export interface RuleWish {
  /** With the id that it shall have. */
  readonly rule: AskRule;
  readonly creator: Actor;
  readonly preview: boolean;
  readonly requestDigest: string;
}

/** A rule, and the asks that it decided or would decide. */
export interface Ruled {
  readonly rule: AskRule;
  readonly asks: readonly Ask[];
}

/** What the desk works with. */
export interface AskDeskParts {
  readonly storage: DurableObjectStorage;
  /** Has a Job decide asks by rules; settles once it has reported that. */
  readonly decide: (jobId: string, matches: readonly AskMatch[]) => Promise<void>;
}

/** Lifetime of a rule that names none. */
const defaultLifetimeMs = 24 * 3_600_000;
/** Most asks that are told of … */
const maxTold = 200;
/** … and characters in them. */
const maxToldLength = 4 * 1024 * 1024;

export class AskDesk {
  readonly #parts: AskDeskParts;
  readonly #index: AskIndex;
  readonly #rules: AskRules;

  constructor(parts: AskDeskParts) {
    this.#parts = parts;
    this.#index = new AskIndex(parts.storage.sql);
    this.#rules = new AskRules(parts.storage.sql);
  }

  list(wish: AskPageWish): AskPage {
    return this.#index.list(wish);
  }

  /** The Jobs of these asks, by their ids, as far as they are known. */
  jobsOf(askIds: readonly string[]): ReadonlyMap<string, string> {
    return this.#index.jobsOf(askIds);
  }

  /** Takes what a Job tells of its asks, and answers which of the open ones rules decide. */
  take(report: AskReport): readonly AskMatch[] {
    const { labels, repoRef, asks } = report;
    const repository = repositoryOf(repoRef);
    return this.#parts.storage.transactionSync(() => {
      for (const { decision } of this.#index.take(report)) {
        if (decision !== undefined && decision.rule !== "") this.#rules.count(decision.rule);
      }
      const rules = this.#rules.list(Date.now(), { includeEnded: false });
      return asks.flatMap((ask) => {
        const rule = ask.state === AskState.OPEN ? decidingRule(rules, { ask, repository, labels }) : undefined;
        return rule === undefined ? [] : [{ askId: ask.id, rule }];
      });
    });
  }

  /** Removes the asks of a deleted Job. */
  forget(jobId: string): void {
    this.#index.forget(jobId);
  }

  rules(options: { includeEnded: boolean }): readonly AskRule[] {
    return this.#rules.list(Date.now(), options);
  }

  /** Stores a rule and decides the open asks that it is about. A preview only tells which these are. */
  async create({ rule: wished, creator, preview, requestDigest }: RuleWish): Promise<Answer<Ruled>> {
    const known = preview ? undefined : this.#rules.find(wished.id);
    if (known !== undefined) {
      const isSame = this.#rules.isRequest(known.id, requestDigest);
      return isSame ? { ok: { rule: known, asks: [] } } : { refused: keyReused("another request") };
    }
    const rule = withTimes(wished, creator);
    if (preview) return { ok: { rule: { ...rule, id: "" }, asks: cutShort(this.#matching(rule)) } };
    if (this.rules({ includeEnded: false }).length >= maxRules) return { refused: tooManyRules() };
    const asks = this.#parts.storage.transactionSync(() => {
      this.#rules.save(rule, requestDigest);
      return this.#rules.plan(rule.id, this.#matching(rule));
    });
    await this.goOn();
    return { ok: { rule: this.#rules.find(rule.id) ?? rule, asks: cutShort(this.#decidedBy(rule.id, asks)) } };
  }

  /** Ends a rule; one that has ended is answered as it stands. */
  revoke(id: string, revoker: Actor): Answer<AskRule> {
    const rule = this.rules({ includeEnded: true }).find((known) => known.id === id);
    if (rule === undefined) return { refused: ruleNotFound(id) };
    if (!this.#holds(rule)) return { ok: rule };
    const revoked = { ...rule, revoker };
    this.#rules.save(revoked, "");
    return { ok: revoked };
  }

  /** Has Jobs decide what new rules were found to decide. Of a Job that cannot, it is tried again by the next call. */
  async goOn(): Promise<void> {
    const works = [...this.#rules.planned()].map(async ([jobId, work]) => {
      const rules = work.map(({ askId, ruleId }) => ({ askId, rule: this.#rules.find(ruleId) }));
      const matches = rules.flatMap(({ askId, rule }) =>
        rule !== undefined && this.#holds(rule) ? [{ askId, rule }] : [],
      );
      await this.#parts.decide(jobId, matches);
      for (const { askId } of work) this.#rules.done(askId);
    });
    await Promise.allSettled(works);
  }

  /** Removes what is kept no longer. */
  prune(): void {
    this.#index.prune(Date.now());
    this.#rules.prune(Date.now());
  }

  *#matching(rule: AskRule): Iterable<Ask> {
    for (const open of this.#index.open()) if (decides(rule, open)) yield open.ask;
  }

  *#decidedBy(ruleId: string, askIds: readonly string[]): Iterable<Ask> {
    for (const ask of this.#index.find(askIds)) if (ask.decision?.rule === ruleId) yield ask;
  }

  #holds({ expireTime, revoker }: AskRule): boolean {
    return revoker === undefined && expireTime !== undefined && timestampMs(expireTime) > Date.now();
  }
}

/** As many as are told of. All are read, as a query that is left before its end slows down later ones. */
function cutShort(asks: Iterable<Ask>): readonly Ask[] {
  const told: Ask[] = [];
  let length = 0;
  for (const ask of asks) {
    length += ask.question.case === "permission" ? ask.question.value.inputJson.length : 0;
    if (told.length < maxTold && (told.length === 0 || length <= maxToldLength)) told.push(ask);
  }
  return told;
}

function withTimes(rule: AskRule, creator: Actor): AskRule {
  const nowMs = Date.now();
  const lifetimeMs = rule.lifetime === undefined ? defaultLifetimeMs : durationMs(rule.lifetime);
  return create(AskRuleSchema, {
    id: rule.id,
    createTime: timestampFromMs(nowMs),
    expireTime: timestampFromMs(nowMs + lifetimeMs),
    lifetime: durationFromMs(lifetimeMs),
    creator,
    rule: rule.rule,
    repository: rule.repository,
    labels: rule.labels,
    jobId: rule.jobId,
    verdict: rule.verdict,
  });
}

function tooManyRules(): ProblemInit {
  return {
    code: Code.ResourceExhausted,
    reason: ProblemReason.TOO_MANY,
    message: `there are ${maxRules} rules`,
    action: "Revoke rules that are not needed any more.",
  };
}

function ruleNotFound(id: string): ProblemInit {
  return {
    code: Code.NotFound,
    reason: ProblemReason.RULE_NOT_FOUND,
    field: "id",
    message: `no rule has the id ${id}`,
    action: "List the rules to find its id.",
  };
}
