import { expect, test } from "vitest";
import { openLocalGateway, type Send } from "../local-gateway.ts";

/** A gateway whose one row of usage has the grouping as its key. */
function openGateway(): Send {
  const usage = { costMicros: 1_500_000n, inputTokens: 7n, requests: 3, estimated: true };
  return openLocalGateway({
    fleet: { getUsage: ({ groupBy }) => ({ rows: [{ key: `=${groupBy}`, jobs: 2, usage }], total: usage }) },
  });
}

test("usage is grouped as asked", async () => {
  expect(await (await openGateway()("/api/usage?by=model&since=2026-01-01")).json()).toMatchObject({
    rows: [{ key: "=3", jobs: 2, usage: { cost_micros: 1_500_000, cost_usd: 1.5 } }],
    total: { requests: 3 },
  });
});

test.each([
  ["/api/usage?by=job&format=csv", {}],
  ["/api/usage?by=job", { accept: "text/csv" }],
])("usage comes as a table that a spreadsheet can open: %s %j", async (path, headers) => {
  const response = await openGateway()(path, { headers });
  expect(response.headers.get("content-type")).toBe("text/csv; charset=utf-8; header=present");
  expect(await response.text()).toBe(
    "job,jobs,requests,input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,cost_usd,estimated\r\n" +
      "'=4,2,3,7,0,0,0,1.500000,true\r\n",
  );
});

test.each(["by=colour", "format=xml", "since=yesterday", "until=2026-13-01", "group=day"])(
  "usage by %s is refused",
  async (query) => {
    expect((await openGateway()(`/api/usage?${query}`)).status).toBe(400);
  },
);
