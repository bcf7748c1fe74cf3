import { expect, test } from "vitest";
import { parseOverrides } from "./config.ts";

test.each([
  ["known switches", { features: { liveMode: false, runnerEnabled: true } }, { liveMode: false, runnerEnabled: true }],
  ["others, left out", { features: { beta: true, runnerEnabled: "no" } }, {}],
  ["no object", null, {}],
  ["features that are none", { features: null }, {}],
])("%s", (_, config, overrides) => {
  expect(parseOverrides(config)).toEqual(overrides);
});
