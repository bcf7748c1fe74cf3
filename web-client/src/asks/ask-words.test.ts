import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { AskSchema, AskState, type DecisionSchema } from "#gen/job/v1/ask_pb.js";
import { ActorKind } from "#gen/job/v1/job_pb.js";
import { closedAgoText, closedText, isConsent, timeLeftText } from "./ask-words.ts";

const ana = { kind: ActorKind.CALLER, id: "ana" };

test("whoever decides too late is told who was first, and when", () => {
  const ask = decided({ case: "allow", value: {} });
  expect(closedAgoText(ask, { nowMs: 12_000, isBeaten: true })).toBe("Already allowed by ana, 2 s ago");
  expect(closedAgoText(ask, { nowMs: 12_000, isBeaten: false })).toBe("Allowed by ana, 2 s ago");
});

test.each([
  [decided({ case: "allow", value: { rule: "Bash(npm test:*)" } }), "Allowed with the rule Bash(npm test:*) by ana"],
  [decided({ case: "allow", value: { inputJson: "{}" } }), "Allowed with another input by ana"],
  [decided({ case: "deny", value: {} }), "Denied by ana"],
  [decided({ case: "answers", value: {} }), "Answered by ana"],
  [decided({ case: "raiseBudget", value: { limitMicros: 2_000_000n } }), "Raised to $2.00 by ana"],
  [decided({ case: "allow", value: {} }, "rule_1"), "Allowed by the rule rule_1 of ana"],
  [closed(AskState.EXPIRED), "Expired: denied because nobody answered in time"],
  [closed(AskState.WITHDRAWN), "Taken back: the job ended, or the agent no longer asks"],
  [closed(AskState.OPEN), ""],
])("%# it was closed: %s", (ask, text) => {
  expect(closedText(ask)).toBe(text);
});

test("only a yes is consent", () => {
  expect(isConsent(decided({ case: "allow", value: {} }))).toBe(true);
  expect(isConsent(decided({ case: "deny", value: {} }))).toBe(false);
  expect(isConsent(closed(AskState.EXPIRED))).toBe(false);
});

test.each([
  [100_000, "100 s"],
  [3_600_000, "60 min"],
  [10_800_000, "3 h"],
  [-1_000, "0 s"],
])("with %i ms left it says %s", (leftMs, text) => {
  const ask = create(AskSchema, { expireTime: timestampFromMs(50_000 + leftMs) });
  expect(timeLeftText(ask, 50_000)).toBe(text);
});

function decided(verdict: NonNullable<MessageInitShape<typeof DecisionSchema>["verdict"]>, rule = "") {
  const decision = { actor: ana, decideTime: timestampFromMs(10_000), verdict, rule };
  return create(AskSchema, { state: AskState.DECIDED, decision });
}

function closed(state: AskState) {
  return create(AskSchema, { state });
}
