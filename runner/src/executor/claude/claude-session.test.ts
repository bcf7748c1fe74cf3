import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EndCause, PermissionMode } from "#gen/job/v1/job_pb.js";
import { makeAgentJob } from "../../../testing/agent-job.ts";
import type { ProcessEnd } from "../executor.ts";
import { ClaudeSession } from "./claude-session.ts";

function openSession(prompt = "Go.", maxTurns = 0, late?: readonly object[]) {
  const agent = makeAgentJob();
  const input: string[] = [];
  const session = new ClaudeSession({ prompt, maxTurns, job: agent.job, now: () => 0, late });
  const stdin = { write: (text: string) => void input.push(text), end: () => void input.push("end") };
  const say = (line: string | object, truncated = false) => {
    const text = typeof line === "string" ? line : JSON.stringify(line);
    session.take({ bytes: Buffer.from(text), truncated });
  };
  const begin = () => {
    session.begin(stdin);
    // What every session begins with is a test of its own.
    input.splice(0, 2);
  };
  /** What was written since, as objects. */
  const written = () => input.splice(0).map((line) => (line === "end" ? line : JSON.parse(line)));
  return { ...agent, input, say, session, stdin, begin, written };
}

function openLate() {
  return openSession("Go.", 0, [{ subtype: "set_model", model: "claude-sonnet-5-5" }]);
}

function runSession(maxTurns = 0) {
  const open = openSession("Go.", maxTurns);
  open.begin();
  return open;
}

function endedBy(end: ProcessEnd, result?: object) {
  const { say, session } = runSession();
  if (result) say({ type: "result", subtype: "success", ...result });
  return session.conclude(end);
}

const exited = (exitCode: number): ProcessEnd => ({ kind: "exited", exitCode });
const raw = (text: string, truncated = false) => ({
  case: "agent",
  value: { event: { case: "raw", value: { line: new Uint8Array(Buffer.from(text)), truncated } } },
});

test("the prompt goes in word for word, as one line that is no slash command", () => {
  const { input, session, stdin } = openSession('/cost\n"quoted" @file \u2028');
  session.begin(stdin);
  expect(input).toHaveLength(2);
  for (const line of input) expect(line.indexOf("\n")).toBe(line.length - 1);
  expect(JSON.parse(input[0] ?? "")).toMatchObject({ type: "control_request", request: { subtype: "initialize" } });
  expect(JSON.parse(input[1] ?? "")).toEqual({
    type: "user",
    client_composed: true,
    message: { role: "user", content: '/cost\n"quoted" @file \u2028' },
  });
});

test("a program that was started before its job gets the prompt once it is what the job wants", async () => {
  const { session, stdin, say, written } = openLate();
  session.begin(stdin);
  expect(written()).toMatchObject([{ request_id: "runner-1", request: { subtype: "set_model" } }]);
  say({ type: "control_response", response: { subtype: "success", request_id: "runner-1" } });
  await expect.poll(() => written()).toMatchObject([{ type: "user", message: { content: "Go." } }]);
});

test("a program that refuses to be what its job wants gets no prompt, and the job says why", async () => {
  const { session, stdin, say, input } = openLate();
  session.begin(stdin);
  say({ type: "control_response", response: { subtype: "error", request_id: "runner-1", error: "no such model" } });
  await expect.poll(() => input).toHaveLength(2);
  expect(input[1]).toBe("end");
  const message = "Claude Code does not work as the job asks: no such model.";
  expect(session.conclude(exited(0)).outcome).toMatchObject({ cause: EndCause.AGENT_ERROR, message });
});

test("the input is closed at a result that no other follows", () => {
  const { input, say } = runSession();
  say({ type: "result", subtype: "success", result: "one", queued_turn_count: 1 });
  expect(input).not.toContain("end");
  say({ type: "result", subtype: "success", result: "two", queued_turn_count: 0 });
  expect(input.at(-1)).toBe("end");
});

const result = (more: object = {}) => ({ type: "result", subtype: "success", result: "done", ...more });
const step = (input: object = {}) => ({
  type: "control_request",
  request_id: "step-1",
  request: { subtype: "hook_callback", callback_id: "step", input },
});
const wentOn = { type: "control_response", response: { subtype: "success", request_id: "step-1", response: {} } };
const userLine = (content: unknown) => ({ type: "user", client_composed: true, message: { role: "user", content } });

test("messages go in after a step, before the model is asked again", () => {
  const { say, tell, written } = runSession();
  say(step());
  expect(written()).toEqual([wentOn]);
  tell("one");
  say(step());
  expect(written()).toEqual([userLine("one"), wentOn]);
});

test("a sub-agent's steps deliver nothing, nor do those of a turn that is being left", () => {
  const { say, tell, written, session } = runSession();
  tell("one");
  say(step({ agent_id: "a1" }));
  expect(written()).toEqual([wentOn]);
  session.interrupt();
  say(step());
  expect(written()).toMatchObject([{ request: { subtype: "interrupt" } }, wentOn]);
  say(result({ subtype: "error_during_execution", is_error: true, terminal_reason: "aborted_tools" }));
  expect(written()).toEqual([userLine("one")]);
});

test("an interrupt that came before the turn does not hold messages back in it", () => {
  const { say, tell, written, session } = runSession();
  session.interrupt();
  say({ type: "system", subtype: "init" });
  tell("one");
  written();
  say(step());
  expect(written()).toEqual([userLine("one"), wentOn]);
});

test("messages that wait at the end of a turn are the next turn's prompt", () => {
  const { say, tell, written, isClosed } = runSession();
  tell("one");
  tell("two");
  say(result());
  const part = (text: string) => ({ type: "text", text });
  expect(written()).toEqual([userLine([part("one"), part("two")])]);
  expect(isClosed()).toBe(false);
  say(result());
  expect(written()).toEqual(["end"]);
  expect(isClosed()).toBe(true);
});

test("a message does not buy more turns than the limit", () => {
  const { say, tell, written, session } = runSession();
  tell("one");
  say(result({ subtype: "error_max_turns", is_error: true, errors: ["Reached maximum number of turns (1)"] }));
  expect(written()).toEqual(["end"]);
  expect(session.conclude(exited(1)).outcome.cause).toBe(EndCause.TURN_LIMIT);
});

test("the last step that the limit allows takes no message", () => {
  const { say, tell, written } = runSession(1);
  tell("one");
  say(step());
  expect(written()).toEqual([wentOn]);
});

test("turns are counted over the session: a step of a later prompt may be the last", () => {
  const { say, tell, written, session } = runSession(2);
  tell("one");
  say(result());
  written();
  tell("two");
  say(step());
  expect(written()).toMatchObject([{ response: { response: { continue: false } } }]);
  say(result({ terminal_reason: "hook_stopped", result: "" }));
  expect(written()).toEqual(["end"]);
  expect(session.conclude(exited(0)).outcome.cause).toBe(EndCause.TURN_LIMIT);
});

test("a message that comes when all turns are spent begins none", () => {
  const { say, tell, written, session } = runSession(1);
  tell("one");
  say(result());
  expect(written()).toEqual(["end"]);
  expect(session.conclude(exited(0)).outcome.cause).toBe(EndCause.TURN_LIMIT);
});

test("the last turn that is needed is no limit reached", () => {
  const { say, written, session } = runSession(2);
  say(step());
  say(result());
  expect(written()).toEqual([wentOn, "end"]);
  expect(session.conclude(exited(0)).outcome.cause).toBe(EndCause.COMPLETED);
});

test("a mode is changed when the program says so, and may be asked for before it runs", async () => {
  const { session, stdin, say, written } = openSession();
  const loosened = session.setMode(PermissionMode.BYPASS);
  const refused = session.setMode(PermissionMode.PLAN);
  session.begin(stdin);
  const lines = written();
  expect(lines.map(({ type, request }) => request?.mode ?? request?.subtype ?? type)).toEqual([
    ...["initialize", "bypassPermissions", "plan", "user"],
  ]);
  const answerTo = (index: number, response: object) => ({
    type: "control_response",
    response: { request_id: lines[index].request_id, ...response },
  });
  say(answerTo(2, { subtype: "error", error: "not today" }));
  say(answerTo(1, { subtype: "success", response: { mode: "bypassPermissions" } }));
  expect(await loosened).toEqual({ kind: "changed" });
  expect(await refused).toEqual({ kind: "refused", reason: "not today" });
});

test("an input that people could not be shown whole is denied without asking", () => {
  const { say, asked, written } = runSession();
  const input = { content: "x".repeat(530_000) };
  say({ type: "control_request", request_id: "r1", request: { subtype: "can_use_tool", tool_name: "Write", input } });
  expect(asked).toEqual([]);
  expect(written()).toMatchObject([{ response: { response: { behavior: "deny" } } }]);
});

test("a plan that the model did not give is read from the agent's home", async () => {
  const home = mkdtempSync(join(tmpdir(), "claude-home-"));
  mkdirSync(join(home, ".claude/plans"), { recursive: true });
  writeFileSync(join(home, ".claude/plans/brave-otter.md"), "# Plan");
  const { job, asked } = makeAgentJob(home);
  const session = new ClaudeSession({ prompt: "Go.", maxTurns: 0, job, now: () => 0 });
  const request = { subtype: "can_use_tool", tool_name: "ExitPlanMode", tool_use_id: "t1", input: {} };
  session.take({
    bytes: Buffer.from(JSON.stringify({ type: "control_request", request_id: "r1", request })),
    truncated: false,
  });
  rmSync(home, { recursive: true });
  expect(asked).toMatchObject([{ question: { case: "plan", value: { plan: "# Plan" } } }]);
});

test("a request that nobody knows is refused, so that the program does not wait", () => {
  const { say, written } = runSession();
  say({ type: "control_request", request_id: "r1", request: { subtype: "elicitation" } });
  expect(written()).toEqual([
    {
      type: "control_response",
      response: { subtype: "error", request_id: "r1", error: 'nobody answers "elicitation" here' },
    },
  ]);
});

test("a line that is unknown, or no JSON at all, is kept as it is", () => {
  const { events, say } = runSession();
  const lines = ['{"type":"telepathy"}', "Segmentation fault", '{"type":"assist', "[1]", "null"];
  for (const line of lines) say(line);
  say("");
  expect(events).toMatchObject(lines.map((line) => raw(line)));
});

test("a line that was cut on the way is kept as far as it came", () => {
  const { events, say } = runSession();
  say('{"type":"result"}', true);
  expect(events).toMatchObject([raw('{"type":"result"}', true)]);
});

test("a raw line is cut at 64 KiB", () => {
  const { events, say } = runSession();
  say("x".repeat(70_000));
  expect(events).toMatchObject([raw("x".repeat(65_536), true)]);
});

test("bytes that are no text do not stop the session", () => {
  const { events, session } = runSession();
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
  const { say, session } = runSession();
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
  const { input, say, session } = runSession();
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

test("nothing is said behind a turn before the work is recorded as it left it", async () => {
  const { promise: recorded, resolve } = Promise.withResolvers<void>();
  const { job, tell } = makeAgentJob("/nowhere", recorded);
  const written: string[] = [];
  const session = new ClaudeSession({ prompt: "Go.", maxTurns: 0, job, now: () => 0, late: undefined });
  session.begin({ write: (line) => void written.push(line), end: () => void written.push("end") });
  const before = written.length;
  tell("And then?");
  session.take({ bytes: Buffer.from(JSON.stringify({ type: "result", subtype: "success" })), truncated: false });
  await new Promise(setImmediate);
  expect(written).toHaveLength(before);
  resolve();
  await expect.poll(() => written.slice(before)).toMatchObject([expect.stringContaining("And then?")]);
});
