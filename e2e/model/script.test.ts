import { expect, test } from "vitest";
import { type ModelRequest, parseModelRequest } from "./request.ts";
import { backgroundTurn, inOrder } from "./script.ts";
import { answer, text } from "./turn.ts";

const bash = { name: "Bash", input_schema: { type: "object" } };

function request(fields: object, headers: Record<string, string> = {}): ModelRequest {
  const messages = [{ role: "user", content: "go" }];
  const parsed = parseModelRequest({ model: "claude-test", messages, tools: [bash], ...fields }, headers);
  if (parsed === undefined) throw new Error("the request is malformed");
  return parsed;
}

const session = (id: string): Record<string, string> => ({ "x-claude-code-session-id": id });
const scout = { ...session("a"), "x-claude-code-agent-id": "scout" };

test("each session plays the turns from the first", () => {
  const [one, two] = [answer([text("one")]), answer([text("two")])];
  const script = inOrder({ main: [one, two], subagent: [] });
  expect(script(request({}, session("a")))).toBe(one);
  expect(script(request({}, session("b")))).toBe(one);
  expect(script(request({}, session("a")))).toBe(two);
  expect(script(request({}, session("a")))).toMatchObject({ kind: "refusal", status: 403 });
});

test("a sub-agent has turns of its own", () => {
  const [main, sub] = [answer([text("main")]), answer([text("sub")])];
  const script = inOrder({ main: [main], subagent: [sub] });
  expect(script(request({}, scout))).toBe(sub);
  expect(script(request({}, session("a")))).toBe(main);
});

test("what the CLI asks for itself is told from the conversation", () => {
  const threadOf = (fields: object, headers: Record<string, string>) => request(fields, headers).thread.kind;
  const summarize = "REMINDER: Do NOT call any tools. Respond with an <analysis> block followed by a <summary> block.";
  const webSearch = { name: "web_search", type: "web_search_20250305" };
  expect(threadOf({}, session("a"))).toBe("main");
  expect(threadOf({}, scout)).toBe("subagent");
  expect(threadOf({ tools: [] }, session("a"))).toBe("background");
  expect(threadOf({ tools: [webSearch] }, session("a"))).toBe("background");
  expect(threadOf({ messages: [{ role: "user", content: summarize }] }, session("a"))).toBe("compaction");
  expect(threadOf({ tools: [] }, {})).toBe("main");
  expect(backgroundTurn(request({}, session("a")))).toBeUndefined();
  expect(backgroundTurn(request({ tools: [] }, session("a")))).toMatchObject({ kind: "answer" });
});

test("a script sees the prompt and the results of tools", () => {
  const results = [
    { type: "tool_result", tool_use_id: "toolu_1", content: "fine" },
    { type: "tool_result", tool_use_id: "toolu_2", is_error: true, content: [{ type: "text", text: "broken" }] },
  ];
  const seen = request({ messages: [{ role: "user", content: [...results, { type: "text", text: "go on" }] }] });
  expect(seen.prompt.trim()).toBe("go on");
  expect(seen.toolResults).toEqual([
    { toolUseId: "toolu_1", isError: false, content: "fine" },
    { toolUseId: "toolu_2", isError: true, content: "broken" },
  ]);
});
