import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, request as requestHttp } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { text as readText } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Model, startModel } from "../../../e2e/model/model.ts";
import { answer, refusal, silence, type Turn, text } from "../../../e2e/model/turn.ts";
import type { BudgetOptions } from "./budget.ts";
import type { MeteredMessage } from "./exchange.ts";
import { type ModelAddress, ModelDoor } from "./model-door.ts";
import { ModelProxy } from "./model-proxy.ts";

let directory: string;
let model: Model | undefined;
let proxy: ModelProxy;
let messages: MeteredMessage[];

beforeEach(() => {
  directory = mkdtempSync(`${tmpdir()}/blazecraft-proxy-`);
  messages = [];
});
afterEach(async () => {
  await proxy.close();
  await model?.close();
  model = undefined;
  rmSync(directory, { recursive: true });
});

interface ProxySetup {
  readonly baseUrl?: string;
  readonly silenceMs?: number;
  readonly budget?: Partial<BudgetOptions>;
  readonly socketPath?: string;
  readonly fillMs?: number;
}

function makeProxy(setup: ProxySetup = {}): ModelProxy {
  const { baseUrl = model?.url ?? "", silenceMs = 60_000, fillMs = 60_000, budget, socketPath } = setup;
  proxy = new ModelProxy({
    settings: { apiKey: "sk-real", baseUrl, silenceMs, dayBudgetMicros: 0 },
    door: new ModelDoor({
      socketPath: socketPath ?? `${directory}/model.sock`,
      share: () => undefined,
      port: undefined,
    }),
    fillMs,
    budget: {
      jobId: "job_1",
      limitMicros: 0,
      dayLimitMicros: 0,
      ledger: { add: () => undefined, spentMicros: () => 0 },
      ask: () => new Promise(() => undefined),
      onStop: () => undefined,
      now: Date.now,
      ...budget,
    },
    onMessage: (message) => messages.push(message),
    onRateLimit: () => () => undefined,
  });
  return proxy;
}

async function play(...script: readonly Turn[]): Promise<ModelAddress> {
  model = await startModel({ script });
  return makeProxy().listen("loopback");
}

interface Ask {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly signal?: AbortSignal;
}

const hello = { model: "claude-opus-5-5", max_tokens: 100, stream: true, messages: [{ role: "user", content: "Hi." }] };

function ask(address: ModelAddress, { method = "POST", path = "/v1/messages?beta=true", ...rest }: Ask = {}) {
  const { headers = { "x-api-key": proxy.token }, body = JSON.stringify(hello), signal } = rest;
  const place = address.kind === "socket" ? { socketPath: address.path } : { port: Number(new URL(address.url).port) };
  return new Promise<IncomingMessage>((resolve, reject) => {
    requestHttp({ ...place, method, path, headers, ...(signal && { signal }) }, resolve)
      .once("error", reject)
      .end(body);
  });
}

async function errorOf(answered: IncomingMessage) {
  const { error } = JSON.parse(await readText(answered)) as { error: { type: string; message: string } };
  return { status: answered.statusCode, type: error.type };
}

test("an answer passes as it is, on a socket for its owner alone that is gone at the end", async () => {
  model = await startModel({ script: [answer([text("Hello there.")]), answer([text("Hello there.")])] });
  const address = await makeProxy().listen("socket");
  expect(address).toEqual({ kind: "socket", path: `${directory}/model.sock` });
  expect(statSync(`${directory}/model.sock`).mode & 0o777).toBe(0o600);
  const direct = await fetch(`${model.url}/v1/messages`, { method: "POST", body: JSON.stringify(hello) });
  const passed = await ask(address);
  expect(passed.statusCode).toBe(200);
  expect(passed.headers).toMatchObject({ "content-type": "text/event-stream; charset=utf-8", "request-id": "req_2" });
  expect((await readText(passed)).replaceAll("msg_2", "msg_1")).toBe(await direct.text());
  expect(messages).toMatchObject([
    {
      report: { messageId: "msg_2", model: "claude-opus-5-5" },
      costMicros: 6000,
      estimated: false,
      requestId: "req_2",
    },
  ]);
  await proxy.close();
  expect(existsSync(`${directory}/model.sock`)).toBe(false);
});

test("a path that is too long for a socket becomes a port", async () => {
  const address = await makeProxy({ baseUrl: "http://127.0.0.1:1", socketPath: `/${"x".repeat(104)}` }).listen(
    "socket",
  );
  expect(address.kind).toBe("loopback");
});

test("the key goes to the provider, and of the agent's headers only those that it knows", async () => {
  const address = await play(answer([text("Hello.")]));
  const headers = {
    "anthropic-version": "2023-06-01",
    "x-secret": "mine",
    cookie: "mine",
    authorization: `Bearer ${proxy.token}`,
  };
  expect((await ask(address, { headers })).resume().statusCode).toBe(200);
  const sent = model?.requests[0]?.headers;
  expect(sent).toMatchObject({
    "x-api-key": "sk-real",
    "anthropic-version": "2023-06-01",
    "accept-encoding": "identity",
  });
  for (const name of ["x-secret", "cookie", "authorization"]) expect(sent).not.toHaveProperty(name);
  expect(JSON.stringify(sent)).not.toContain(proxy.token);
});

test.each([
  ["no token", { headers: {} }],
  ["another token", { headers: { "x-api-key": "sk-real" } }],
  ["an empty token", { headers: { "x-api-key": "", authorization: "Bearer " } }],
])("%s is refused", async (_, wrong) => {
  const address = await play(answer([text("Hello.")]));
  expect(await errorOf(await ask(address, wrong))).toEqual({ status: 401, type: "authentication_error" });
  expect(model?.requests).toHaveLength(0);
});

test.each([
  ["GET", "/v1/messages"],
  ["POST", "/v1/messages/batches"],
  ["POST", "/v1/messages/../files"],
  ["POST", "/v1/complete"],
  ["DELETE", "/v1/messages/count_tokens"],
])("%s %s is not served", async (method, path) => {
  const address = await play(answer([text("Hello.")]));
  expect(await errorOf(await ask(address, { method, path }))).toEqual({ status: 404, type: "not_found_error" });
  expect(model?.requests).toHaveLength(0);
});

test("a request that is too large is refused", async () => {
  const address = await play(answer([text("Hello.")]));
  const body = Buffer.alloc((32 << 20) + 1, "x");
  expect(await errorOf(await ask(address, { body }))).toEqual({ status: 413, type: "request_too_large" });
});

test("tokens are counted without a budget, which would not let a message through", async () => {
  model = await startModel({ script: [] });
  const admit = { limitMicros: 1, ledger: { add: () => undefined, spentMicros: () => 1 }, dayLimitMicros: 1 };
  const address = await makeProxy({ budget: admit }).listen("loopback");
  const counted = await ask(address, { path: "/v1/messages/count_tokens" });
  expect(JSON.parse(await readText(counted))).toHaveProperty("input_tokens");
});

test("words come as the model says them", async () => {
  const gate = Promise.withResolvers<void>();
  const disturbance = { kind: "hold", afterEvents: 4, until: gate.promise } as const;
  const answered = await ask(await play(answer([text("one two")], { disturbance })));
  let heard = "";
  for await (const piece of answered.setEncoding("utf8") as AsyncIterable<string>) {
    heard += piece;
    if (heard.includes('"one "')) gate.resolve();
  }
  expect(heard).toContain("message_stop");
});

test("an agent that leaves takes its request of the model with it, and pays what was reported", async () => {
  const disturbance = { kind: "hold", afterEvents: 4, until: new Promise(() => undefined) } as const;
  const address = await play(answer([text("one two")], { disturbance }));
  const leaving = new AbortController();
  const answered = await ask(address, { signal: leaving.signal });
  answered.once("error", () => undefined);
  await new Promise((resolve) => answered.once("data", resolve));
  leaving.abort();
  await model?.until(([request]) => request?.served?.complete === false);
  await proxy.close();
  expect(messages).toMatchObject([{ report: { consumption: { inputTokens: 1000, outputTokens: 1 } } }]);
});

test("an agent that waits hears pings, in a stream that then goes on", async () => {
  const raised = Promise.withResolvers<void>();
  model = await startModel({ script: [answer([text("Hello.")])] });
  const budget: Partial<BudgetOptions> = {
    limitMicros: 0,
    dayLimitMicros: 10,
    ledger: { add: () => undefined, spentMicros: () => 10 },
    ask: async () => {
      await raised.promise;
      return { kind: "raised", limitMicros: 1_000_000 };
    },
  };
  const answered = await ask(await makeProxy({ budget, fillMs: 20 }).listen("loopback"));
  expect(answered.statusCode).toBe(200);
  let heard = "";
  for await (const piece of answered.setEncoding("utf8") as AsyncIterable<string>) {
    heard += piece;
    if (heard.includes("ping")) raised.resolve();
  }
  expect(heard).toMatch(/^(event: ping\ndata: \{"type": "ping"\}\n\n)+event: message_start/);
  expect(heard).toContain("message_stop");
});

test("an error after pings is told in the stream", async () => {
  model = await startModel({ script: [silence, silence, silence, silence] });
  const answered = await ask(await makeProxy({ silenceMs: 40, fillMs: 20 }).listen("loopback"));
  expect(await readText(answered)).toMatch(
    /event: error\ndata: \{"type":"error","error":\{"type":"timeout_error",.*\}\}\n\n$/,
  );
  expect(model.requests).toHaveLength(4);
});

test("a provider that falls silent in the middle of an answer is cut off", async () => {
  const disturbance = { kind: "hold", afterEvents: 4, until: new Promise(() => undefined) } as const;
  model = await startModel({ script: [answer([text("one two")], { disturbance })] });
  const answered = await ask(await makeProxy({ silenceMs: 100 }).listen("loopback"));
  await expect(readText(answered)).rejects.toThrow("aborted");
  expect(messages).toHaveLength(1);
});

test("a provider that cannot be reached is named, not quoted", async () => {
  const closed = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => closed.once("listening", resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const address = await makeProxy({ baseUrl: `http://user:secret@127.0.0.1:${port}` }).listen("loopback");
  const body = JSON.stringify({ ...hello, stream: false });
  const said = await readText(await ask(address, { body }));
  expect(said).toContain("ECONNREFUSED");
  expect(said).not.toContain("secret");
}, 20_000);

test("an error of the provider's passes as it is", async () => {
  const address = await play(refusal(400, "invalid_request_error"));
  const answered = await ask(address);
  expect(answered.headers["request-id"]).toBe("req_1");
  expect(await errorOf(answered)).toEqual({ status: 400, type: "invalid_request_error" });
  expect(model?.requests).toHaveLength(1);
});
