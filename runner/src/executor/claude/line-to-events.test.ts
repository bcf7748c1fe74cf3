import { createHash } from "node:crypto";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { AgentEventSchema } from "#gen/job/v1/job_event_pb.js";
import { PermissionMode } from "#gen/job/v1/job_pb.js";
import { JsonObject } from "../json-object.ts";
import { LineTranslator } from "./line-to-events.ts";

const nowMs = 1_700_000_000_000;

/** The events of some lines of one session, as they come out of their encoding; undefined for an unknown line. */
function translate(...lines: object[]) {
  const translator = new LineTranslator({ now: () => nowMs, onMode: () => undefined });
  return lines.flatMap((line) => {
    const events = translator.translate(new JsonObject({ ...line }));
    return events === undefined ? [undefined] : events.map((event) => encoded(create(AgentEventSchema, event)));
  });
}

function encoded(event: ReturnType<typeof create<typeof AgentEventSchema>>) {
  return fromBinary(AgentEventSchema, toBinary(AgentEventSchema, event)).event;
}

function assistant(content: object[], more: object = {}) {
  return { type: "assistant", message: { id: "msg_1", model: "m", content, ...more }, parent_tool_use_id: null };
}

function toolResultLine(content: unknown, more: object = {}) {
  const block = { type: "tool_result", tool_use_id: "toolu_1", content, ...more };
  return { type: "user", message: { role: "user", content: [block] }, tool_use_result: { originalFile: "huge" } };
}

const init = {
  type: "system",
  subtype: "init",
  session_id: "s",
  model: "m",
  tools: ["Read"],
  permissionMode: "default",
};

test("an image in a tool's answer becomes a reference", () => {
  const bytes = Buffer.from("not really a picture");
  const image = { type: "image", source: { type: "base64", media_type: "image/png", data: bytes.toString("base64") } };
  expect(translate(toolResultLine([{ type: "text", text: "Here:" }, image, { type: "text", text: "Done." }]))).toEqual([
    {
      case: "toolResult",
      value: expect.objectContaining({
        text: "Here:\nDone.",
        images: [
          expect.objectContaining({
            mediaType: "image/png",
            bytes: BigInt(bytes.length),
            sha256: new Uint8Array(createHash("sha256").update(bytes).digest()),
          }),
        ],
      }),
    },
  ]);
});

test("a part of an answer that is neither text nor image is told as JSON", () => {
  const reference = { type: "tool_reference", tool_name: "WebFetch" };
  expect(translate(toolResultLine([reference]))).toMatchObject([{ value: { text: JSON.stringify(reference) } }]);
});

test("a long answer is cut within a character and says so", () => {
  const [event] = translate(toolResultLine(`a${"é".repeat(200_000)}`));
  expect(event?.value).toMatchObject({ truncated: true, text: `a${"é".repeat(128 * 1024 - 1)}` });
});

test("a long input of a tool is cut and says so", () => {
  const [event] = translate(
    assistant([{ type: "tool_use", id: "t", name: "Write", input: { c: "x".repeat(300_000) } }]),
  );
  expect(event?.value).toMatchObject({
    tool: "Write",
    truncated: true,
    inputJson: `{"c":"${"x".repeat(256 * 1024 - 6)}`,
  });
});

test("half a character does not break an event", () => {
  expect(translate(assistant([{ type: "text", text: "a\ud83d" }]))).toMatchObject([{ value: { text: "a\ufffd" } }]);
});

test("hidden thinking is an empty thinking block", () => {
  const [event] = translate(assistant([{ type: "redacted_thinking", data: "opaque" }]));
  expect(event).toMatchObject({ case: "thinking", value: { messageId: "msg_1", text: "" } });
});

test("blocks of a message that came without a stream are counted over its lines", () => {
  const text = { type: "text", text: "hi" };
  const events = translate(assistant([text], { usage: { output_tokens: 7 } }), assistant([text, text]));
  expect(events.map((event) => event?.case)).toEqual(["text", "text", "text"]);
  expect(events.filter((event) => event?.case === "text").map((event) => event?.value)).toMatchObject([
    { index: 0 },
    { index: 1 },
    { index: 2 },
  ]);
});

test("what the program says in the model's name is no message of it", () => {
  const said = assistant([{ type: "text", text: "API Error" }], { model: "<synthetic>" });
  const [, result] = translate(said, { type: "result" });
  expect(result).toMatchObject({ case: "turnResult", value: { usage: { requests: 0 } } });
});

test("a tool that the provider runs is a call and a result", () => {
  const call = { type: "server_tool_use", id: "srvtoolu_1", name: "web_search", input: { query: "x" } };
  const found = { type: "web_search_tool_result", tool_use_id: "srvtoolu_1", content: [{ type: "web_search_result" }] };
  expect(translate(assistant([call]), assistant([found]))).toMatchObject([
    { case: "toolCall", value: { id: "srvtoolu_1" } },
    { case: "toolResult", value: { toolCallId: "srvtoolu_1", text: '{"type":"web_search_result"}' } },
  ]);
});

test("a hook is told when it starts and with its exit code", () => {
  const hook = { type: "system", hook_name: "PreToolUse:Bash", hook_event: "PreToolUse" };
  expect(
    translate(
      { ...hook, subtype: "hook_started" },
      { ...hook, subtype: "hook_response", output: "", stdout: "out", stderr: "err", exit_code: 2 },
    ),
  ).toMatchObject([
    { case: "hook", value: { event: "PreToolUse", name: "PreToolUse:Bash" } },
    { case: "hook", value: { exitCode: 2, output: "outerr" } },
  ]);
});

test("a session is described again only when it is another, and its mode is handed on each time", () => {
  const modes: PermissionMode[] = [];
  const translator = new LineTranslator({ now: () => nowMs, onMode: (mode) => modes.push(mode) });
  const lines = [
    init,
    { ...init, permissionMode: "plan" },
    { type: "system", subtype: "status", status: null, permissionMode: "acceptEdits" },
    { type: "system", subtype: "status", status: "requesting" },
    { ...init, model: "other", permissionMode: "acceptEdits" },
  ];
  expect(lines.map((line) => translator.translate(new JsonObject({ ...line })))).toMatchObject([
    [{ event: { case: "session", value: { sessionId: "s", permissionMode: PermissionMode.ASK } } }],
    [],
    [],
    [],
    [{ event: { case: "session", value: { model: "other" } } }],
  ]);
  const { ASK, PLAN, ACCEPT_EDITS } = PermissionMode;
  expect(modes).toEqual([ASK, PLAN, ACCEPT_EDITS, ACCEPT_EDITS]);
});

test("limits that are near or reached are told, far ones are not", () => {
  const limit = (info: object) => ({
    type: "rate_limit_event",
    rate_limit_info: { rateLimitType: "five_hour", ...info },
  });
  expect(
    translate(
      limit({ status: "allowed", resetsAt: 1_700_000_100 }),
      limit({ status: "allowed_warning", resetsAt: 1_700_000_100 }),
      limit({ status: "rejected" }),
    ),
  ).toMatchObject([
    { case: "rateLimit", value: { until: { seconds: 1_700_000_100n }, kind: "five_hour", httpStatus: 0 } },
    { case: "rateLimit", value: { httpStatus: 429 } },
  ]);
});

test("a connection that broke is told without a status", () => {
  const line = { type: "system", subtype: "api_retry", attempt: 2, retry_delay_ms: 500, error_status: null };
  expect(translate({ ...line, error: "unknown" })).toMatchObject([
    { case: "rateLimit", value: { attempt: 2, httpStatus: 0, kind: "unknown", until: { nanos: 500_000_000 } } },
  ]);
});

test("a sub-agent that was stopped has failed, and tasks that are none are left out", () => {
  const task = { type: "system", task_id: "a", tool_use_id: "toolu_1" };
  expect(
    translate(
      { ...task, subtype: "task_started", task_type: "local_bash" },
      { ...task, subtype: "task_notification", status: "completed" },
      { ...task, subtype: "task_started", task_type: "local_agent", subagent_type: "Explore" },
      { ...task, subtype: "task_notification", status: "stopped" },
    ),
  ).toMatchObject([
    { case: "subAgent", value: { kind: "Explore", state: 1 } },
    { case: "subAgent", value: { kind: "Explore", state: 3 } },
  ]);
});

test("time at the API is that of the turn, though lines count it from the session's start", () => {
  const result = { type: "result", subtype: "success", result: "done", num_turns: 2 };
  const events = translate({ ...result, duration_api_ms: 400 }, { ...result, duration_api_ms: 1500 });
  expect(events).toMatchObject([
    { value: { turns: 2, apiDuration: { nanos: 400_000_000 } } },
    { value: { turns: 4, apiDuration: { seconds: 1n, nanos: 100_000_000 } } },
  ]);
});

describe("a line is unknown", () => {
  test.each([
    ["of a new type", { type: "telepathy" }],
    ["of a new subtype", { type: "system", subtype: "telepathy" }],
    ["without a type", { session_id: "s" }],
    ["with a new stream event", { type: "stream_event", event: { type: "telepathy" } }],
    ["with a new block", assistant([{ type: "telepathy" }])],
    ["with a notice that has no event", { type: "system", subtype: "informational", content: "mind the gap" }],
    ["about a mode that has no name here", { type: "system", subtype: "status", permissionMode: "auto" }],
    ["about a compaction that failed", { type: "system", subtype: "status", status: null, compact_result: "failed" }],
  ])("%s", (_, line) => {
    expect(translate(line)).toEqual([undefined]);
  });
});

describe("a line of a known type is told as far as it can be", () => {
  const hostile = [null, [], "text", -1, 1e300, true, { nested: null }];
  const lines = [
    { type: "assistant" },
    { type: "user" },
    { type: "result" },
    { type: "rate_limit_event" },
    ...["init", "status", "api_retry", "compact_boundary", "hook_response", "task_started", "task_notification"].map(
      (subtype) => ({ type: "system", subtype }),
    ),
  ];
  test.each(lines)("whatever its fields hold: %o", (line) => {
    for (const value of hostile) {
      const fields = Object.fromEntries(fieldNames.map((name) => [name, value]));
      const nested = Object.fromEntries(fieldNames.map((name) => [name, { ...fields, content: [fields] }]));
      expect(() => translate({ ...fields, ...line }, { ...nested, ...line })).not.toThrow();
    }
  });
});

const fieldNames = [
  "message",
  "content",
  "id",
  "usage",
  "input_tokens",
  "modelUsage",
  "total_cost_usd",
  "num_turns",
  "duration_ms",
  "duration_api_ms",
  "permission_denials",
  "parent_tool_use_id",
  "rate_limit_info",
  "resetsAt",
  "retry_delay_ms",
  "error_status",
  "attempt",
  "exit_code",
  "compact_metadata",
  "pre_tokens",
  "tools",
  "permissionMode",
  "task_id",
];
