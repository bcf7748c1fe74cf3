/** The rules that decide asks, and which open asks each of them still has to decide. */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Ask, type AskRule, AskRuleSchema, AskRuleVerdict } from "#gen/job/v1/ask_pb.js";
import type { OpenAsk } from "./ask-index.ts";
import { ruleMatches } from "./rule-match.ts";

/** Rules that can hold at once. */
export const maxRules = 200;
/** Rules that ended are kept for so long. */
const keptMs = 30 * 24 * 3_600_000;

/** Every method is synchronous. */
export class AskRules {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`
      CREATE TABLE IF NOT EXISTS ask_rules (
        id TEXT PRIMARY KEY, created_ms INTEGER NOT NULL, ends_ms INTEGER NOT NULL, request_digest TEXT NOT NULL,
        rule BLOB NOT NULL);
      CREATE TABLE IF NOT EXISTS ask_rule_work (
        ask_id TEXT PRIMARY KEY, job_id TEXT NOT NULL, rule_id TEXT NOT NULL)`);
  }

  /** Rules that hold, or also those that ended not long ago, the newest first. */
  list(nowMs: number, { includeEnded }: { includeEnded: boolean }): readonly AskRule[] {
    const query = "SELECT rule FROM ask_rules WHERE ends_ms > ? ORDER BY created_ms DESC, id DESC";
    return this.#sql
      .exec<RuleRow>(query, includeEnded ? nowMs - keptMs : nowMs)
      .toArray()
      .map(rowToRule);
  }

  find(id: string): AskRule | undefined {
    return this.#sql.exec<RuleRow>("SELECT rule FROM ask_rules WHERE id = ?", id).toArray().map(rowToRule)[0];
  }

  /** True when this request stored the rule of this id. */
  isRequest(id: string, requestDigest: string): boolean {
    const query = "SELECT id FROM ask_rules WHERE id = ? AND request_digest = ?";
    return this.#sql.exec(query, id, requestDigest).toArray().length > 0;
  }

  /** Stores a new rule, or a changed one under the digest it has. */
  save(rule: AskRule, requestDigest: string): void {
    const { id, createTime, expireTime, revoker } = rule;
    const endsMs = revoker !== undefined ? Date.now() : expireTime === undefined ? 0 : timestampMs(expireTime);
    this.#sql.exec(
      `INSERT INTO ask_rules VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
       SET ends_ms = min(ends_ms, excluded.ends_ms), rule = excluded.rule`,
      id,
      createTime === undefined ? 0 : timestampMs(createTime),
      endsMs,
      requestDigest,
      toBinary(AskRuleSchema, rule),
    );
  }

  /** Counts an ask that a rule decided. */
  count(id: string): void {
    const rule = this.find(id);
    if (rule !== undefined) this.save({ ...rule, decided: rule.decided + 1 }, "");
  }

  /** Notes that a rule shall decide these asks, and answers with their ids. */
  plan(ruleId: string, asks: Iterable<Ask>): readonly string[] {
    const works = Array.from(asks, ({ id, jobId }) => ({ id, jobId }));
    for (const { id, jobId } of works) {
      this.#sql.exec("INSERT OR IGNORE INTO ask_rule_work VALUES (?, ?, ?)", id, jobId, ruleId);
    }
    return works.map(({ id }) => id);
  }

  /** What rules still have to decide, by Job. */
  planned(): ReadonlyMap<string, readonly { readonly askId: string; readonly ruleId: string }[]> {
    const rows = this.#sql.exec<WorkRow>("SELECT * FROM ask_rule_work").toArray();
    const work = rows.map(({ ask_id, job_id, rule_id }) => ({ jobId: job_id, askId: ask_id, ruleId: rule_id }));
    return Map.groupBy(work, ({ jobId }) => jobId);
  }

  /** An ask that is decided, or gone. */
  done(askId: string): void {
    this.#sql.exec("DELETE FROM ask_rule_work WHERE ask_id = ?", askId);
  }

  /** Removes rules that ended long ago. */
  prune(nowMs: number): void {
    this.#sql.exec("DELETE FROM ask_rules WHERE ends_ms < ?", nowMs - keptMs);
  }
}

/** The rule that decides an ask: one that denies before those that allow, the newest of its kind. */
export function decidingRule(rules: readonly AskRule[], ask: OpenAsk): AskRule | undefined {
  const matching = rules.filter((rule) => decides(rule, ask));
  return matching.find(({ verdict }) => verdict === AskRuleVerdict.DENY) ?? matching[0];
}

/** True when a rule is about this ask, so that it would decide it. */
export function decides(rule: AskRule, { ask, repository, labels }: OpenAsk): boolean {
  if (ask.question.case !== "permission") return false;
  if (rule.jobId !== "" && rule.jobId !== ask.jobId) return false;
  if (rule.repository !== "" && rule.repository !== repository) return false;
  return rule.labels.every((label) => hasLabel(labels, label)) && ruleMatches(rule.rule, ask.question.value);
}

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const [, key = wanted, value] = /^([^=]*)=(.*)$/s.exec(wanted) ?? [];
  return Object.hasOwn(labels, key) && (value === undefined || labels[key] === value);
}

type RuleRow = { rule: ArrayBuffer };
type WorkRow = { ask_id: string; job_id: string; rule_id: string };

function rowToRule({ rule }: RuleRow): AskRule {
  return fromBinary(AskRuleSchema, new Uint8Array(rule));
}
