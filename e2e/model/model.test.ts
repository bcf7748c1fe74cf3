import { afterEach, expect, test } from "vitest";
import { type Model, startModel } from "./model.ts";
import { answer, overloaded, rateLimited, silence, type Turn, text, thinking, toolUse } from "./turn.ts";

let model: Model | undefined;
afterEach(() => model?.close());

async function play(script: readonly Turn[]): Promise<Model> {
  model = await startModel({ script });
  return model;
}

function ask({ url }: Model, fields: object = {}, headers: Record<string, string> = {}): Promise<Response> {
  const body = JSON.stringify({ model: "claude-test", messages: [{ role: "user", content: "go" }], ...fields });
  return fetch(`${url}/v1/messages`, { method: "POST", body, headers });
}

function eventsOf(stream: string): { type: string; [field: string]: unknown }[] {
  return stream
    .split("\n")
    .filter((line) => line.startsWith("data: "))
    .map((line) => JSON.parse(line.slice("data: ".length)));
}

test("an answer is streamed as the API streams it", async () => {
  const script = [answer([thinking("So."), text("Two words"), toolUse("Bash", { command: "ls -l" })])];
  const response = await ask(await play(script), { stream: true });
  expect(response.headers.get("content-type")).toMatch("text/event-stream");
  const events = eventsOf(await response.text());
  expect(events.map((event) => event.type)).toEqual([
    "message_start",
    "ping",
    ...["content_block_start", "content_block_delta", "content_block_delta", "content_block_stop"],
    ...["content_block_start", "content_block_delta", "content_block_delta", "content_block_stop"],
    ...["content_block_start", "content_block_delta", "content_block_delta", "content_block_stop"],
    "message_delta",
    "message_stop",
  ]);
  expect(events.filter((event) => event.index === 2).flatMap((event) => event.delta ?? [])).toEqual([
    { type: "input_json_delta", partial_json: '{"command":"ls ' },
    { type: "input_json_delta", partial_json: '-l"}' },
  ]);
  expect(events.at(-2)).toMatchObject({ delta: { stop_reason: "tool_use" }, usage: { output_tokens: 100 } });
});

test("an answer is whole when no stream was asked for", async () => {
  const response = await ask(await play([answer([text("Hello")])]));
  expect(await response.json()).toMatchObject({
    role: "assistant",
    model: "claude-test",
    content: [{ type: "text", text: "Hello" }],
    stop_reason: "end_turn",
    usage: { input_tokens: 1000, output_tokens: 100 },
  });
});

test("refusals carry the API's error body and retry-after", async () => {
  const playing = await play([rateLimited(7), overloaded()]);
  const limited = await ask(playing);
  expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "7"]);
  expect(await limited.json()).toMatchObject({ type: "error", error: { type: "rate_limit_error" } });
  expect((await ask(playing)).status).toBe(529);
});

test("a cut stream ends without its end", async () => {
  const until = Promise.resolve();
  const script = [answer([text("one two three")], { disturbance: { kind: "cut", afterEvents: 4, until } })];
  const response = await ask(await play(script), { stream: true });
  await expect(response.text()).rejects.toThrow();
  await model?.until(([request]) => request?.served !== undefined);
  expect(model?.requests[0]?.served).toMatchObject({ complete: false, usage: { inputTokens: 1000, outputTokens: 1 } });
});

test("a garbled stream holds an event that is not JSON", async () => {
  const script = [answer([text("one two three")], { disturbance: { kind: "garble", afterEvents: 4 } })];
  const response = await ask(await play(script), { stream: true });
  const stream = await response.text();
  expect(() => eventsOf(stream)).toThrow(SyntaxError);
});

test("an error can come in the middle of a stream", async () => {
  const disturbance = { kind: "error", afterEvents: 4, errorType: "overloaded_error" } as const;
  const response = await ask(await play([answer([text("one two three")], { disturbance })]), { stream: true });
  expect(eventsOf(await response.text()).at(-1)).toMatchObject({ type: "error", error: { type: "overloaded_error" } });
});

test("a held stream goes on when the test lets it", async () => {
  const gate = Promise.withResolvers<void>();
  const disturbance = { kind: "hold", afterEvents: 4, until: gate.promise } as const;
  const response = await ask(await play([answer([text("one two")], { disturbance })]), { stream: true });
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  let heard = "";
  while (!heard.includes("one ")) heard += (await reader?.read())?.value;
  expect(heard).not.toContain("two");
  gate.resolve();
  while (!heard.includes("message_stop")) heard += (await reader?.read())?.value;
});

test("a silent model answers nothing until the caller hangs up", async () => {
  const playing = await play([silence]);
  const hangUp = new AbortController();
  const asked = fetch(`${playing.url}/v1/messages`, {
    method: "POST",
    body: JSON.stringify({ model: "claude-test", messages: [{ role: "user", content: "go" }] }),
    signal: hangUp.signal,
  });
  await playing.until((requests) => requests.length === 1);
  hangUp.abort();
  await expect(asked).rejects.toThrow();
  await playing.until(([request]) => request?.served?.complete === false);
});

test("what the API does not serve is refused and recorded", async () => {
  const playing = await play([]);
  expect((await fetch(`${playing.url}/api/hello?x=1`)).status).toBe(404);
  expect((await fetch(`${playing.url}/v1/messages`, { method: "POST", body: "not JSON" })).status).toBe(400);
  expect((await ask(playing)).status).toBe(403);
  expect(playing.requests.map(({ method, target }) => `${method} ${target}`)).toEqual([
    "GET /api/hello?x=1",
    "POST /v1/messages",
    "POST /v1/messages",
  ]);
});

test("tokens are counted without a turn", async () => {
  const playing = await play([answer([text("Hello")])]);
  const counted = await fetch(`${playing.url}/v1/messages/count_tokens?beta=true`, {
    method: "POST",
    body: "x".repeat(40),
  });
  expect(await counted.json()).toEqual({ input_tokens: 10 });
  expect((await ask(playing)).status).toBe(200);
});
