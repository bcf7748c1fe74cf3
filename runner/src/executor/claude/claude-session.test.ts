import { expect, test } from "vitest";
import { EndCause } from "#gen/job/v1/job_pb.js";
import type { EventPayload, ProcessEnd } from "../executor.ts";
import { ClaudeSession } from "./claude-session.ts";

function openSession(prompt = "Go.") {
  const events: EventPayload[] = [];
  const input: string[] = [];
  const session = new ClaudeSession({ prompt, emit: (payload) => events.push(payload), now: () => 0 });
  session.begin({ write: (text) => void input.push(text), end: () => void input.push("end") });
  const say = (line: string | object, truncated = false) => {
    const text = typeof line === "string" ? line : JSON.stringify(line);
    session.take({ bytes: Buffer.from(text), truncated });
  };
  return { events, input, say, session };
}

function endedBy(end: ProcessEnd, result?: object) {
  const { say, session } = openSession();
  if (result) say({ type: "result", subtype: "success", ...result });
  return session.conclude(end);
}

const exited = (exitCode: number): ProcessEnd => ({ kind: "exited", exitCode });
const raw = (text: string, truncated = false) => ({
  case: "agent",
  value: { event: { case: "raw", value: { line: new Uint8Array(Buffer.from(text)), truncated } } },
});

test("the prompt goes in word for word, as one line that is no slash command", () => {
  const { input } = openSession('/cost\n"quoted" @file \u2028');
  expect(input).toHaveLength(1);
  expect(input[0]?.indexOf("\n")).toBe((input[0]?.length ?? 0) - 1);
  expect(JSON.parse(input[0] ?? "")).toEqual({
    type: "user",
    client_composed: true,
    message: { role: "user", content: '/cost\n"quoted" @file \u2028' },
  });
});

test("the input is closed at a result that no other follows", () => {
  const { input, say } = openSession();
  say({ type: "result", subtype: "success", result: "one", queued_turn_count: 1 });
  expect(input).not.toContain("end");
  say({ type: "result", subtype: "success", result: "two", queued_turn_count: 0 });
  expect(input.at(-1)).toBe("end");
});

test("a request that is no permission is refused, so that the program does not wait", () => {
  const { input, say } = openSession();
  say({ type: "control_request", request_id: "r1", request: { subtype: "hook_callback" } });
  expect(JSON.parse(input[1] ?? "")).toEqual({
    type: "control_response",
    response: { subtype: "error", request_id: "r1", error: 'nobody answers "hook_callback" here' },
  });
});

test("a line that is unknown, or no JSON at all, is kept as it is", () => {
  const { events, say } = openSession();
  const lines = ['{"type":"telepathy"}', "Segmentation fault", '{"type":"assist', "[1]", "null"];
  for (const line of lines) say(line);
  say("");
  expect(events).toMatchObject(lines.map((line) => raw(line)));
});

test("a line that was cut on the way is kept as far as it came", () => {
  const { events, say } = openSession();
  say('{"type":"result"}', true);
  expect(events).toMatchObject([raw('{"type":"result"}', true)]);
});

test("a raw line is cut at 64 KiB", () => {
  const { events, say } = openSession();
  say("x".repeat(70_000));
  expect(events).toMatchObject([raw("x".repeat(65_536), true)]);
});

test("bytes that are no text do not stop the session", () => {
  const { events, session } = openSession();
  session.take({ bytes: Uint8Array.of(0xff, 0xfe, 0x00), truncated: false });
  expect(events).toMatchObject([
    { value: { event: { case: "raw", value: { line: Uint8Array.of(0xff, 0xfe, 0x00) } } } },
  ]);
});

test("an end inside a turn is judged by how the process ended", () => {
  expect(endedBy({ kind: "signaled", signal: "SIGKILL" })).toEqual({
    outcome: {
      cause: EndCause.SIGNAL,
      signal: "SIGKILL",
      message: "Claude Code was ended by SIGKILL, which nobody here sent.",
    },
    result: "",
  });
  expect(endedBy(exited(143)).outcome).toMatchObject({ cause: EndCause.EXIT_CODE, exitCode: 143 });
  expect(endedBy(exited(0)).outcome).toMatchObject({ cause: EndCause.AGENT_ERROR, exitCode: 0 });
});

test("an end inside a later turn is no success of an earlier one", () => {
  const { say, session } = openSession();
  say({ type: "result", subtype: "success", result: "early", queued_turn_count: 1 });
  say({ type: "system", subtype: "init" });
  expect(session.conclude(exited(1))).toMatchObject({ outcome: { cause: EndCause.EXIT_CODE }, result: "" });
});

test.each([
  [401, "Invalid API key · Fix external API key"],
  [403, "Request not allowed"],
  [null, "Not logged in · Please run /login"],
])("an error of the API that means the key is wrong says so: %s", (status, result) => {
  expect(endedBy(exited(1), { is_error: true, api_error_status: status, result }).outcome).toMatchObject({
    cause: EndCause.AGENT_NOT_AUTHENTICATED,
    message: expect.stringContaining("check ANTHROPIC_API_KEY on the runner"),
  });
});

test("a key that was refused twice is not tried on", () => {
  const { input, say, session } = openSession();
  const retry = { type: "system", subtype: "api_retry", error_status: 401, error: "authentication_failed" };
  for (const attempt of [1, 2, 3]) say({ ...retry, attempt });
  expect(input.filter((line) => line.includes('"interrupt"'))).toHaveLength(1);
  say({ type: "result", subtype: "error_during_execution", is_error: true, terminal_reason: "aborted_streaming" });
  expect(session.conclude(exited(1)).outcome.cause).toBe(EndCause.AGENT_NOT_AUTHENTICATED);
});

test("an error says what to do when there is something to do", () => {
  const busy = { is_error: true, api_error_status: 529, result: "API Error: 529 Overloaded." };
  expect(endedBy(exited(1), busy).outcome.message).toBe(
    "Claude Code ended with an error: API Error: 529 Overloaded. Retry the job later.",
  );
  expect(endedBy(exited(1), { subtype: "error_during_execution", is_error: true }).outcome.message).toBe(
    "Claude Code ended with an error: it gave none.",
  );
});

test("the message of an outcome stays within its limit, however long the error is", () => {
  const { outcome } = endedBy(exited(1), { is_error: true, result: "é".repeat(10_000) });
  expect(Buffer.byteLength(outcome.message ?? "")).toBeLessThanOrEqual(1024);
});
