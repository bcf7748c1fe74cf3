import { DatabaseSync } from "node:sqlite";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test, vi } from "vitest";
import { type Ask, AskSchema, AskState } from "#gen/job/v1/ask_pb.js";
import type { AskSql } from "../ask-page.ts";
import { AskIndex, repositoryOf } from "./ask-index.ts";

const dayMs = 24 * 3_600_000;
const anyState = [AskState.OPEN, AskState.DECIDED, AskState.EXPIRED, AskState.WITHDRAWN];

test("a closed ask never opens again, and its decision counts once", () => {
  const index = openIndex();
  const closed = ask(1, AskState.DECIDED);
  expect(take(index, [ask(1, AskState.OPEN)])).toEqual([]);
  expect(take(index, [closed])).toEqual([closed.id]);
  expect(take(index, [closed])).toEqual([]);
  take(index, [ask(1, AskState.OPEN)]);
  expect(statesOf(index)).toEqual([AskState.DECIDED]);
  take(index, [ask(1, AskState.WITHDRAWN)]);
  expect(statesOf(index)).toEqual([AskState.WITHDRAWN]);
});

test("a job cannot change the ask of another", () => {
  const index = openIndex();
  take(index, [ask(1, AskState.OPEN)]);
  index.take({ jobId: "job_2", repoRef: "test", labels: {}, asks: [ask(1, AskState.DECIDED)] });
  expect(statesOf(index)).toEqual([AskState.OPEN]);
  expect(index.jobsOf([ask(1, AskState.OPEN).id, "ask_unknown"])).toEqual(
    new Map([[ask(1, AskState.OPEN).id, "job_1"]]),
  );
});

test("pages go on where the last one ended, and end at their size in bytes too", () => {
  const index = openIndex();
  const asks = [3, 1, 2, 5, 4].map((number) => ask(number, AskState.OPEN, number === 3 ? 4_150_000 : 100_000));
  take(index, asks);
  const pages: string[][] = [];
  for (let pageToken = ""; ; ) {
    const page = index.list({ states: [], pageSize: 2, pageToken });
    pages.push(page.asks.map(({ id }) => id.slice(-1)));
    if (page.nextPageToken === "") break;
    pageToken = page.nextPageToken;
  }
  expect(pages).toEqual([["1", "2"], ["3"], ["4", "5"]]);
});

test("closed asks are kept for 30 days, and no more than 2,000 of them; open ones for good", () => {
  vi.useFakeTimers({ now: 0 });
  try {
    const index = openIndex();
    take(index, [ask(1, AskState.OPEN), ask(2, AskState.DECIDED)]);
    vi.setSystemTime(29 * dayMs);
    take(
      index,
      Array.from({ length: 1_999 }, (_, number) => ask(number + 10, AskState.DECIDED)),
    );
    index.prune(Date.now());
    expect(statesOf(index)).toHaveLength(2_001);
    take(index, [ask(3, AskState.DECIDED)]);
    index.prune(Date.now());
    expect(statesOf(index)).toHaveLength(2_001);
    index.prune(60 * dayMs);
    expect(statesOf(index)).toEqual([AskState.OPEN]);
  } finally {
    vi.useRealTimers();
  }
});

test.each([
  ["test", "test"],
  ["owner/name", "owner/name"],
  ["owner/name@main", "owner/name"],
  ["owner/name@feature/a@b", "owner/name"],
  ["https://github.com/owner/name@v1", "https://github.com/owner/name"],
])("the repository of %s is %s", (repoRef, repository) => {
  expect(repositoryOf(repoRef)).toBe(repository);
});

function take(index: AskIndex, asks: readonly Ask[]): string[] {
  return index.take({ jobId: "job_1", repoRef: "test", labels: {}, asks }).map(({ id }) => id);
}

function statesOf(index: AskIndex): AskState[] {
  const states: AskState[] = [];
  for (let pageToken = ""; ; ) {
    const page = index.list({ states: anyState, pageSize: 200, pageToken });
    states.push(...page.asks.map(({ state }) => state));
    if (page.nextPageToken === "") return states;
    pageToken = page.nextPageToken;
  }
}

function ask(number: number, state: AskState, size = 0): Ask {
  return create(AskSchema, {
    id: `ask_${String(number).padStart(16, "0")}`,
    createTime: timestampFromMs(number),
    jobId: "job_1",
    state,
    question: { case: "plan", value: { plan: "x".repeat(size) } },
  });
}

function openIndex(): AskIndex {
  const database = new DatabaseSync(":memory:");
  const sql: AskSql = {
    exec<Row>(query: string, ...values: (string | number | Uint8Array)[]) {
      const statements = values.length === 0 ? query.split(";") : [query];
      const rows = statements.flatMap((statement) => database.prepare(statement).all(...values) as Row[]);
      return Object.assign(rows, { toArray: () => rows });
    },
  };
  return new AskIndex(sql);
}
