import type { PermissionOption, RequestPermissionOutcome, RequestPermissionRequest } from "@agentclientprotocol/sdk";
import type { Allow, Answers, Decision } from "#gen/job/v1/ask_pb.js";
import { maxTextBytes } from "../agent-event.ts";
import { cutText } from "../cut-text.ts";
import type { AskQuestion } from "../executor.ts";
import { JsonObject } from "../json-object.ts";
import type { AskedCall } from "./tool-calls.ts";
import { contentText } from "./tool-content.ts";

/** What an agent is told of a decision. */
export interface PermissionAnswer {
  readonly outcome: RequestPermissionOutcome;
  /** What the protocol has no room for: the agent is told with its next prompt. Empty when there is nothing. */
  readonly note: string;
}

/**
 * What an agent that wants consent asks people. Several ways to allow it once are the answers to a question; consent to
 * leave a mode is consent to the plan that was made in it.
 */
export function toQuestion(
  { toolCall, options }: RequestPermissionRequest,
  call: AskedCall,
  workspace: string,
): AskQuestion | "too large" {
  // What fits an event whole: people shall see all of what they allow.
  if (Buffer.byteLength(call.inputJson) > maxInputBytes) return "too large";
  const shown = contentText((toolCall.content ?? []).map((part) => new JsonObject({ ...part })));
  const text = cutText(shown || call.title, maxTextBytes).text;
  const choices = named(options, "allow_once");
  if (choices.length > 1) {
    const question = { text, choices: choices.map(({ name }) => ({ label: name })) };
    return { case: "questions", value: { questions: [question] } };
  }
  if (toolCall.kind === "switch_mode") return { case: "plan", value: { plan: text } };
  return {
    case: "permission",
    value: {
      toolCallId: call.id,
      tool: call.tool,
      inputJson: call.inputJson,
      reason: cutText(text, maxReasonBytes).text,
      suggestedRules: named(options, "allow_always").map(ruleOf),
      workspace,
    },
  };
}

/** What an agent is answered whose input no person could see. */
export function tooLargeAnswer({ options }: RequestPermissionRequest, call: AskedCall): PermissionAnswer {
  return reject(options, call, "its input is too large to be shown to a person; do it in smaller steps");
}

/** What an agent is answered; there is no decision when the question was taken back. */
export function toAnswer(
  { options }: RequestPermissionRequest,
  call: AskedCall,
  decision: Decision | undefined,
): PermissionAnswer {
  switch (decision?.verdict.case) {
    case "allow":
      return allow(options, call, decision.verdict.value);
    case "deny":
      return reject(options, call, decision.verdict.value.message);
    case "answers":
      return choose(options, call, decision.verdict.value);
    // A budget is no agent's question.
    case "raiseBudget":
    case undefined:
      return { outcome: { outcome: "cancelled" }, note: "" };
  }
}

function allow(options: readonly PermissionOption[], call: AskedCall, { rule, inputJson }: Allow): PermissionAnswer {
  if (inputJson !== "" && inputJson !== call.inputJson) {
    return reject(options, call, `Call it with this input instead: ${inputJson}`);
  }
  const always = named(options, "allow_always");
  const chosen = always.find((option) => ruleOf(option) === rule) ?? named(options, "allow_once")[0] ?? always[0];
  return select(chosen, "");
}

function reject(options: readonly PermissionOption[], { tool, title }: AskedCall, message: string): PermissionAnswer {
  const chosen = named(options, "reject_once")[0] ?? named(options, "reject_always")[0];
  return select(chosen, message === "" ? "" : `About your call of ${tool} (${title}), which was refused: ${message}`);
}

/** An answer in a person's own words fits no choice. */
function choose(options: readonly PermissionOption[], call: AskedCall, { answers }: Answers): PermissionAnswer {
  const words = answers[0]?.values ?? [];
  const chosen = named(options, "allow_once").find(({ name }) => words.includes(name));
  return chosen ? select(chosen, "") : reject(options, call, words.join(", "));
}

function select(option: PermissionOption | undefined, note: string): PermissionAnswer {
  const outcome =
    option === undefined
      ? ({ outcome: "cancelled" } as const)
      : ({ outcome: "selected", optionId: option.optionId } as const);
  return { outcome, note };
}

function named(options: readonly PermissionOption[], wanted: PermissionOption["kind"]): readonly PermissionOption[] {
  return options.filter(({ kind }) => kind === wanted);
}

/** What an agent calls that which it would allow from now on. */
function ruleOf({ name }: PermissionOption): string {
  return cutText(name.replace(/\p{Cc}/gu, " "), maxRuleBytes).text;
}

const maxInputBytes = 512 * 1024;
const maxReasonBytes = 4096;
const maxRuleBytes = 256;
