import { expect, test } from "vitest";
import { RefusalReason } from "#gen/job/v1/job_event_pb.js";
import { RefusalTally } from "./refusal-tally.ts";

const { NOT_ALLOWED, MALFORMED } = RefusalReason;

function openTally() {
  const told: { readonly host?: string; readonly count?: number }[] = [];
  const tally = new RefusalTally((refused) => told.push(refused));
  const add = (host: string, { times = 1, port = 443, reason = NOT_ALLOWED as RefusalReason } = {}) => {
    for (let at = 0; at < times; at += 1) tally.add({ host, port, reason, message: `${host} is refused.` });
  };
  return { told, add };
}

test("a host is told of at its first, tenth and hundredth refusal", () => {
  const { told, add } = openTally();
  add("example.com", { times: 150 });
  expect(told.map(({ count }) => count)).toEqual([1, 10, 100]);
});

test("each host, port and reason counts for itself", () => {
  const { told, add } = openTally();
  add("a.example");
  add("b.example");
  add("a.example", { port: 80 });
  add("a.example", { reason: MALFORMED });
  add("a.example");
  expect(told).toMatchObject([
    { host: "a.example", port: 443, reason: NOT_ALLOWED, message: "a.example is refused.", count: 1 },
    { host: "b.example" },
    { port: 80 },
    { reason: MALFORMED },
  ]);
  expect(told).toHaveLength(4);
});

test("a job that makes names up is told of a thousand, and of the rest as one", () => {
  const { told, add } = openTally();
  for (let at = 0; at < 5_000; at += 1) add(`h${at}.example`);
  expect(told).toHaveLength(1_004);
  expect(told.at(-1)).toMatchObject({ host: "", count: 1_000 });
});
