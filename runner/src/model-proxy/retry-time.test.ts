import { expect, test } from "vitest";
import { retryTime } from "./retry-time.ts";

const now = Date.UTC(2026, 0, 1);
const inAnHour = new Date(now + 3_600_000);

test.each([
  ["seconds", { "retry-after": "2" }, 2_000],
  ["a part of a second", { "retry-after": "0.5" }, 500],
  ["a date", { "retry-after": inAnHour.toUTCString() }, 3_600_000],
  ["a date that has passed", { "retry-after": new Date(now - 1000).toUTCString() }, 0],
  [
    "the reset of the limit that is spent",
    {
      "anthropic-ratelimit-requests-remaining": "7",
      "anthropic-ratelimit-requests-reset": new Date(now + 9_000_000).toISOString(),
      "anthropic-ratelimit-tokens-remaining": "0",
      "anthropic-ratelimit-tokens-reset": inAnHour.toISOString(),
    },
    3_600_000,
  ],
  [
    "the reset of a plan's limit, in seconds since 1970",
    {
      "anthropic-ratelimit-unified-status": "rejected",
      "anthropic-ratelimit-unified-reset": String(inAnHour.getTime() / 1000),
    },
    3_600_000,
  ],
])("%s says when", (_, headers, afterMs) => {
  expect(retryTime(headers, now)).toBe(now + afterMs);
});

test.each([
  ["nothing", {}],
  ["what is no time", { "retry-after": "soon" }],
  ["the reset of a limit that is not spent", { "anthropic-ratelimit-tokens-reset": inAnHour.toISOString() }],
])("%s says nothing", (_, headers) => {
  expect(retryTime(headers, now)).toBeUndefined();
});
