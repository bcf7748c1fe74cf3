import { randomUUID } from "node:crypto";
import { expect, test, vi } from "vitest";
import { driveClaude, type Line } from "../../../e2e/model/drive-claude.ts";
import { startModel } from "../../../e2e/model/model.ts";
import { answer, text } from "../../../e2e/model/turn.ts";
import { type Consumption, costOf } from "./prices.ts";

vi.setConfig({ testTimeout: 60_000 });

const nothing: Consumption = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  hourCacheWriteTokens: 0,
  webSearches: 0,
  isFast: false,
  isUsOnly: false,
};
const short = { inputTokens: 12_345, outputTokens: 6_789, cacheReadTokens: 23_456, cacheWriteTokens: 3_456 };
const long = { inputTokens: 34_567, outputTokens: 789, cacheReadTokens: 67_890, cacheWriteTokens: 0 };

const models = [
  ...["claude-haiku-4-5-20251001", "claude-haiku-5-5"],
  ...["claude-sonnet-4-5-20250929", "claude-sonnet-4-6", "claude-sonnet-5", "claude-sonnet-5-5"],
  ...["claude-opus-4-5-20251101", "claude-opus-4-6", "claude-opus-4-7", "claude-opus-4-8"],
  ...["claude-opus-5", "claude-opus-5-5", "claude-fable-5", "claude-fable-5-1", "claude-fable-5-2"],
  ...["claude-mythos-5", "claude-mythos-5-1", "claude-mythos-5-2"],
];

test("prices are those that Claude Code counts with", async () => {
  const usages = models.flatMap(() => [{ ...short, hourCacheWriteTokens: 1_234 }, long]);
  await using model = await startModel({ script: usages.map((usage) => answer([text("Hello.")], { usage })) });
  const prompts = models.flatMap((name) => [name, name]).slice(1);
  const { lines } = await driveClaude({
    modelUrl: model.url,
    sessionId: randomUUID(),
    flags: ["--model", models[0] ?? ""],
    environment: {},
    files: {},
    prompt: "Go.",
    onLine: (line, claude) => {
      if (line.type !== "result") return;
      const next = prompts.shift();
      if (next === undefined) return claude.end();
      claude.send({ type: "control_request", request_id: next, request: { subtype: "set_model", model: next } });
      claude.send({ type: "user", message: { role: "user", content: "And again." } });
    },
  });
  const result = JSON.parse(lines.at(-1) ?? "") as Line & { modelUsage: Record<string, { costUSD: number }> };
  const counted = Object.entries(result.modelUsage).map(([name, { costUSD }]) => ({ name, micros: costUSD * 1e6 }));
  expect(counted.map(({ name }) => name).toSorted()).toEqual(models.toSorted());
  for (const { name, micros } of counted) {
    const one = costOf(name, { ...nothing, ...short, hourCacheWriteTokens: 1_234 });
    const other = costOf(name, { ...nothing, ...long });
    expect(one.estimated || other.estimated).toBe(false);
    // Each of the two requests is rounded by itself.
    expect(Math.abs(one.micros + other.micros - micros)).toBeLessThanOrEqual(1);
  }
});

test("a model that is unknown costs as much as the dearest, and says that this is an estimate", () => {
  const usage = { ...nothing, inputTokens: 1_000_000, outputTokens: 1_000_000 };
  expect(costOf("claude-opus-9", usage)).toEqual({ micros: 90_000_000, estimated: true });
  expect(costOf("", usage).estimated).toBe(true);
  expect(costOf("claude-opus-4-1-20250805", usage)).toEqual({ micros: 90_000_000, estimated: false });
});

test("a faster answer, one kept in the United States, and searches of the web cost more", () => {
  const usage = { ...nothing, inputTokens: 1_000_000 };
  expect(costOf("claude-opus-5-5", usage).micros).toBe(4_000_000);
  expect(costOf("claude-opus-5-5", { ...usage, isFast: true }).micros).toBe(8_000_000);
  expect(costOf("claude-opus-5-5", { ...usage, isUsOnly: true }).micros).toBe(4_400_000);
  expect(costOf("claude-opus-5-5", { ...usage, webSearches: 3 }).micros).toBe(4_030_000);
});
