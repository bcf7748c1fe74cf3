import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import {
  type AgentEvent,
  type JobEvent,
  JobEventSchema,
  PlanItemState,
  SubAgentState,
} from "#gen/job/v1/job_event_pb.js";
import { EndCause, PermissionMode } from "#gen/job/v1/job_pb.js";
import { makeAgentJob } from "../../../testing/agent-job.ts";
import type { Conclusion, EventPayload } from "../executor.ts";
import { ClaudeSession } from "./claude-session.ts";

const folder = new URL("corpus/", import.meta.url);
const scenes = readdirSync(folder).map((file) => file.replace(".ndjson", ""));

/** A recorded run as an attempt would tell it: events went over the wire, input was written back. */
function replay(scene: string) {
  const events: AgentEvent[] = [];
  const input: string[] = [];
  const { job, asked, modes } = makeAgentJob();
  const emit = (payload: EventPayload) => void events.push(overTheWire(create(JobEventSchema, { payload })));
  const session = new ClaudeSession({
    prompt: "Go.",
    maxTurns: 0,
    job: { ...job, emit },
    now: () => Date.UTC(2026, 0, 1),
  });
  session.begin({ write: (text) => void input.push(text), end: () => void input.push("end") });
  const lines = readFileSync(new URL(`${scene}.ndjson`, folder), "utf8")
    .trimEnd()
    .split("\n");
  for (const line of lines) session.take({ bytes: Buffer.from(line), truncated: false });
  const conclude = (exitCode: number): Conclusion => session.conclude({ kind: "exited", exitCode });
  return { events, input, asked, modes, conclude, lines: lines.map((line) => JSON.parse(line)) };
}

function isImage(part: { readonly type: string }): boolean {
  return part.type === "image";
}

function overTheWire(event: JobEvent): AgentEvent {
  const { payload } = fromBinary(JobEventSchema, toBinary(JobEventSchema, event));
  if (payload.case !== "agent") throw new Error(`${payload.case} is nothing an agent did`);
  return payload.value;
}

type Case = NonNullable<AgentEvent["event"]["case"]>;
type ValueOf<Name extends Case> = Extract<AgentEvent["event"], { case: Name }>["value"];

function valuesOf<Name extends Case>(events: readonly AgentEvent[], name: Name): ValueOf<Name>[] {
  return events.flatMap(({ event }) => (event.case === name ? [event.value as ValueOf<Name>] : []));
}

describe.each(scenes)("the scene %s", (scene) => {
  const { events, input, lines } = replay(scene);

  test("holds no line that has no home", () => {
    expect(valuesOf(events, "raw")).toEqual([]);
  });

  test("tells its session before anything else", () => {
    expect(events[0]?.event).toMatchObject({ case: "session", value: { agentVersion: "2.1.330" } });
  });

  test("answers each tool call once, unless it ended first", () => {
    const calls = valuesOf(events, "toolCall").map(({ id }) => id);
    const answered = valuesOf(events, "toolResult").map(({ toolCallId }) => toolCallId);
    expect(new Set(answered).size).toBe(answered.length);
    expect(calls).toEqual(expect.arrayContaining(answered));
    if (scene !== "max-turns" && scene !== "budget-exhausted") expect(answered.toSorted()).toEqual(calls.toSorted());
  });

  test("shows in deltas what the whole blocks say in the end", () => {
    const shown = new Map<string, string>();
    for (const { messageId, index, content } of valuesOf(events, "delta")) {
      const key = `${messageId}/${index}`;
      shown.set(key, (shown.get(key) ?? "") + content.value);
    }
    for (const { messageId, index, text } of [...valuesOf(events, "text"), ...valuesOf(events, "thinking")]) {
      const deltas = shown.get(`${messageId}/${index}`);
      if (deltas !== undefined) expect(deltas).toBe(text);
    }
  });

  test("ends each turn with what its result line says", () => {
    const results = lines.filter((line) => line.type === "result");
    const told = valuesOf(events, "turnResult");
    expect(told.map(({ kind, isError }) => ({ kind, isError }))).toEqual(
      results.map((line) => ({ kind: line.subtype, isError: line.is_error })),
    );
    expect(told.map(({ usage }) => Number(usage?.costMicros))).toEqual(
      results.map((line) => Math.round(line.total_cost_usd * 1e6)),
    );
  });

  test("has its input closed at its end", () => {
    expect(input.at(-1)).toBe("end");
  });
});

test("a run of tools tells calls with their input and results with their errors", () => {
  const { events, conclude } = replay("tools");
  const calls = valuesOf(events, "toolCall");
  expect(calls.map(({ tool }) => tool)).toEqual(["Read", "Edit", "Write", "Bash", "Bash", "Read"]);
  expect(JSON.parse(calls[0]?.inputJson ?? "")).toEqual({ file_path: "notes.txt" });
  const results = valuesOf(events, "toolResult");
  expect(results.map(({ isError }) => isError)).toEqual([false, false, false, false, true, true]);
  expect(results[3]?.text).toBe("one\nTWO\nthree\nfour");
  expect(conclude(0)).toEqual({
    outcome: { cause: EndCause.COMPLETED, exitCode: 0, message: "Claude Code finished." },
    result: "One file is **missing**.",
  });
});

test("thinking streams and comes whole under the block it has in its message", () => {
  const { events } = replay("thinking");
  expect(valuesOf(events, "thinking")).toMatchObject([
    { messageId: "msg_1", index: 0, text: "The user greets me. A short greeting will do." },
  ]);
  expect(valuesOf(events, "text")).toMatchObject([{ messageId: "msg_1", index: 1 }]);
});

test("the to-do list is told whole with each change", () => {
  const plans = valuesOf(replay("plan-todos").events, "plan");
  const { ACTIVE, DONE, OPEN } = PlanItemState;
  expect(plans.map(({ items }) => items.map(({ state }) => state))).toEqual([
    [ACTIVE, OPEN],
    [DONE, ACTIVE],
    [DONE, DONE],
  ]);
  expect(plans[0]?.items.map(({ text }) => text)).toEqual(["Read it", "Mend it"]);
});

test("what a sub-agent does names the call that began it, and its beginning and end are told", () => {
  const { events } = replay("subagent");
  const begun = { toolCallId: "toolu_1_2", kind: "general-purpose", description: "Look around" };
  expect(valuesOf(events, "subAgent")).toMatchObject([
    { ...begun, state: SubAgentState.RUNNING },
    { ...begun, state: SubAgentState.COMPLETED },
  ]);
  const own = events.filter(({ parentToolCallId }) => parentToolCallId === "toolu_1_2");
  expect(own.map(({ event }) => event.case)).toEqual(["text", "toolCall", "toolResult", "text"]);
  expect(valuesOf(own, "text").map(({ text }) => text)).toEqual(["Looking.", "I saw the files."]);
  expect(valuesOf(events, "turnResult")[0]?.usage).toMatchObject({ outputTokens: 400n, requests: 4 });
});

test("a refusal of the API tells when it is tried again", () => {
  const { events, lines } = replay("rate-limited");
  const { retry_delay_ms: delayMs } = lines.find((line) => line.subtype === "api_retry");
  const seconds = BigInt((Date.UTC(2026, 0, 1) + delayMs) / 1000);
  expect(valuesOf(events, "rateLimit")).toMatchObject([
    { attempt: 1, httpStatus: 429, kind: "rate_limit", until: { seconds } },
  ]);
});

test("a broken message leaves its deltas, and no whole block", () => {
  const { events } = replay("cut-in-text");
  expect(valuesOf(events, "text").map(({ messageId }) => messageId)).toEqual(["msg_2"]);
  expect(valuesOf(events, "turnResult")[0]?.usage?.requests).toBe(2);
});

test("an answer that comes without a stream is told like any other", () => {
  const { events } = replay("garbled");
  expect(valuesOf(events, "text")).toMatchObject([{ messageId: "msg_2", index: 0, text: "whole this time" }]);
  expect(valuesOf(events, "turnResult")[0]?.usage?.requests).toBe(2);
});

test("a compaction is told, and the session is described once", () => {
  const { events } = replay("compaction");
  expect(valuesOf(events, "compaction")).toMatchObject([{ trigger: "manual", tokensBefore: 1100n }]);
  expect(valuesOf(events, "session")).toHaveLength(1);
});

test("turns are counted over the session", () => {
  const results = valuesOf(replay("two-prompts").events, "turnResult");
  expect(results.map(({ turns }) => turns)).toEqual([1, 2]);
});

test("what needs a person is asked, whole, with rules that would allow it", () => {
  const { asked, lines } = replay("ask-allowed");
  const { request } = lines.find((line) => line.type === "control_request");
  expect(asked.map(({ question }) => question)).toEqual([
    {
      case: "permission",
      value: {
        toolCallId: request.tool_use_id,
        tool: "Bash",
        inputJson: JSON.stringify(request.input),
        reason: "Run a command",
        suggestedRules: ["Bash(touch made.txt)"],
        workspace: "/workspace",
      },
    },
  ]);
});

test("a question is asked with its choices", () => {
  const [asked] = replay("question").asked;
  const red = { label: "Red", description: "like a fire" };
  const blue = { label: "Blue", description: "like the sky" };
  expect(asked?.question).toEqual({
    case: "questions",
    value: { questions: [{ text: "Which color?", header: "Color", choices: [red, blue], multiple: false }] },
  });
});

test("a question that the program takes back is taken back here", () => {
  const [asked] = replay("ask-cancelled").asked;
  expect(asked?.context.signal.aborted).toBe(true);
});

test("a plan is asked about with all of its text, and the mode that follows it is handed on", () => {
  const { asked, modes } = replay("plan-approved");
  expect(asked.map(({ question }) => question)).toEqual([{ case: "plan", value: { plan: "# Plan\n\nSay it." } }]);
  expect(modes).toEqual([PermissionMode.PLAN, PermissionMode.ASK]);
});

test("each mode that the program enters is handed on", () => {
  const { PLAN, ACCEPT_EDITS } = PermissionMode;
  expect(replay("mode-changed").modes).toEqual([PLAN, ACCEPT_EDITS, ACCEPT_EDITS]);
});

test("a picture comes as a reference", () => {
  const { events, lines } = replay("image");
  const parts = lines.flatMap((line) => (Array.isArray(line.message?.content) ? line.message.content : []));
  const image = parts.flatMap(({ content }) => (Array.isArray(content) ? content : [])).find(isImage);
  const bytes = Buffer.from(image.source.data, "base64");
  const sha256 = new Uint8Array(createHash("sha256").update(bytes).digest());
  const picture = { mediaType: "image/png", bytes: BigInt(bytes.length), sha256 };
  expect(valuesOf(events, "toolResult").at(-1)?.images).toMatchObject([picture]);
});

test("hooks are told when they begin and with how they ended", () => {
  const hook = { event: "PreToolUse", name: "PreToolUse:Bash" };
  const [begun, ended] = valuesOf(replay("hooks").events, "hook");
  expect(begun).toMatchObject(hook);
  expect(begun?.exitCode).toBeUndefined();
  expect(ended).toMatchObject({ ...hook, exitCode: 0, output: "looked at\n" });
});

test("a step is gone on from at once when nobody has said anything", () => {
  const { input, lines } = replay("told-after-step");
  const { request_id } = lines.find((line) => line.type === "control_request");
  const response = { subtype: "success", request_id, response: {} };
  expect(input.map((text) => (text === "end" ? text : JSON.parse(text)))).toContainEqual({
    type: "control_response",
    response,
  });
});

test("the permission mode is told with the session", () => {
  const { ASK, BYPASS } = PermissionMode;
  expect(valuesOf(replay("ask-denied").events, "session")).toMatchObject([{ permissionMode: ASK }]);
  expect(valuesOf(replay("text").events, "session")).toMatchObject([{ permissionMode: BYPASS }]);
});

test.each([
  ["text", 0, EndCause.COMPLETED, "Claude Code finished."],
  ["permission-denied", 0, EndCause.COMPLETED, "Claude Code finished, but 1 tool call was denied."],
  ["background-task", 0, EndCause.COMPLETED, "Claude Code finished."],
  ["api-error", 1, EndCause.AGENT_ERROR, "Claude Code ended with an error: API Error: 529"],
  ["max-turns", 1, EndCause.TURN_LIMIT, "Reached maximum number of turns (1); raise limits.max_turns"],
  ["budget-exhausted", 1, EndCause.BUDGET_EXHAUSTED, "Reached maximum budget ($0.001); raise limits.budget_micros"],
  ["interrupted-text", 1, EndCause.AGENT_ERROR, "Claude Code was interrupted"],
  ["interrupted-and-told", 0, EndCause.COMPLETED, "Claude Code finished."],
  ["interrupted-tool", 0, EndCause.AGENT_ERROR, "Claude Code was interrupted"],
])("the end of %s is judged by its last result", (scene, exitCode, cause, message) => {
  expect(replay(scene).conclude(exitCode).outcome).toEqual({
    cause,
    exitCode,
    message: expect.stringContaining(message),
  });
});
