/** What was spent on models, by the day on which it was spent. Jobs that are deleted stay in it. */
import { create } from "@bufbuild/protobuf";
import { UsageGrouping, type UsageRow, UsageRowSchema } from "#gen/fleet/v1/fleet_service_pb.js";
import { type Job, type Usage, UsageSchema } from "#gen/job/v1/job_pb.js";
import { type DayRange, utcDay } from "./usage-range.ts";

/** The part of a Durable Object's SQL that the ledger uses. */
export interface LedgerSql {
  exec<Row extends Record<string, string | number>>(
    query: string,
    ...values: (string | number)[]
  ): { toArray(): Row[] };
}

/** Most rows of one answer. */
const maxRows = 1_000;

/** A table with a row for each Job, model and UTC day. */
export class UsageLedger {
  readonly #sql: LedgerSql;

  constructor(sql: LedgerSql) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS usage (
      job_id TEXT NOT NULL, model TEXT NOT NULL, day TEXT NOT NULL, repository TEXT NOT NULL,
      ${counters.map((name) => `${name} INTEGER NOT NULL`).join(", ")},
      PRIMARY KEY (job_id, model, day)) WITHOUT ROWID`);
    sql.exec("CREATE INDEX IF NOT EXISTS usage_day ON usage (day)");
  }

  /**
   * Enters under the present day what a Job took since it was seen last. What it took until then is in the table itself, so
   * that a report which is repeated or late enters nothing.
   */
  enter({ id, spec, usageByModel }: Job, nowMs: number): void {
    for (const { model, usage } of usageByModel) {
      if (usage === undefined) continue;
      const entered = this.#entered(id, model);
      const taken = toCounts(usage).map((count, at) => Math.max(0, count - (entered[at] ?? 0)));
      if (taken.some((count) => count > 0))
        this.#sql.exec(addition, id, model, utcDay(nowMs), spec?.repoRef ?? "", ...taken);
    }
  }

  /** The dearest groups of some days, or the days in order. */
  rows({ since, until }: DayRange, grouping: UsageGrouping): UsageRow[] {
    const key = keyColumn(grouping);
    const order = key === "day" ? "day" : `sum(cost_micros) DESC, ${key}`;
    const query = `SELECT ${key} AS key, count(DISTINCT job_id) AS jobs, ${sums} FROM usage
      WHERE day BETWEEN ? AND ? GROUP BY ${key} ORDER BY ${order} LIMIT ${maxRows}`;
    const groups = this.#sql.exec<Group>(query, since, until).toArray();
    return groups.map((group) => create(UsageRowSchema, { key: group.key, jobs: group.jobs, usage: toUsage(group) }));
  }

  /** The sum of some days. */
  total({ since, until }: DayRange): Usage {
    const query = `SELECT ${sums} FROM usage WHERE day BETWEEN ? AND ?`;
    const [all] = this.#sql.exec<Counts>(query, since, until).toArray();
    return all === undefined ? create(UsageSchema) : toUsage(all);
  }

  #entered(jobId: string, model: string): readonly number[] {
    const query = `SELECT ${sums} FROM usage WHERE job_id = ? AND model = ?`;
    const [all] = this.#sql.exec<Counts>(query, jobId, model).toArray();
    return counters.map((name) => all?.[name] ?? 0);
  }
}

const counters = [
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "cost_micros",
  "requests",
  "estimated",
] as const;

type Counts = Record<(typeof counters)[number], number>;
type Group = Counts & { key: string; jobs: number };

const sums = counters.map((name) => `coalesce(sum(${name}), 0) AS ${name}`).join(", ");
const addition = `INSERT INTO usage VALUES (?, ?, ?, ?, ${counters.map(() => "?").join(", ")})
  ON CONFLICT DO UPDATE SET ${counters.map((name) => `${name} = ${name} + excluded.${name}`).join(", ")}`;

/** The counters of a usage, in their order. */
function toCounts(usage: Usage): readonly number[] {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, costMicros, requests, estimated } = usage;
  return [inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, costMicros, requests, estimated].map(Number);
}

function toUsage(counts: Counts): Usage {
  return create(UsageSchema, {
    inputTokens: BigInt(counts.input_tokens),
    outputTokens: BigInt(counts.output_tokens),
    cacheReadTokens: BigInt(counts.cache_read_tokens),
    cacheWriteTokens: BigInt(counts.cache_write_tokens),
    costMicros: BigInt(counts.cost_micros),
    requests: counts.requests,
    estimated: counts.estimated > 0,
  });
}

function keyColumn(grouping: UsageGrouping): "day" | "repository" | "model" | "job_id" {
  switch (grouping) {
    case UsageGrouping.UNSPECIFIED:
    case UsageGrouping.DAY:
      return "day";
    case UsageGrouping.REPOSITORY:
      return "repository";
    case UsageGrouping.MODEL:
      return "model";
    case UsageGrouping.JOB:
      return "job_id";
  }
}
