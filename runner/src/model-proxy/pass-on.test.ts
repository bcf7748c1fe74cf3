import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { passOn } from "./pass-on.ts";
import { Upstream } from "./upstream.ts";

let upstream: Upstream;
let answer: ServerResponse;
const server = createServer((_, response) => {
  answer = response;
  response.flushHeaders();
});

beforeEach(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  upstream = new Upstream({ baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, silenceMs: 60_000 });
});
afterEach(async () => {
  upstream.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function begin({ gapMs, signal = new AbortController().signal }: { gapMs: number; signal?: AbortSignal }) {
  const request = { target: "/", headers: {}, body: new Uint8Array(0) };
  const incoming = await upstream.send(request, new AbortController().signal);
  const passed: string[] = [];
  const taken: string[] = [];
  const write = async (bytes: Uint8Array) => void passed.push(Buffer.from(bytes).toString());
  const take = (bytes: Uint8Array) => void taken.push(Buffer.from(bytes).toString());
  return { incoming, passed, taken, end: passOn(incoming, { write }, { take, gapMs, signal }) };
}

function say(word: string): Promise<void> {
  return new Promise((resolve) => answer.write(word, () => resolve()));
}

test("words in quick succession go on together, and none is lost", async () => {
  const { incoming, passed, end } = await begin({ gapMs: 2000 });
  for (const [index, word] of ["a", "b"].entries()) {
    await say(word);
    await expect.poll(() => passed.length, { interval: 1 }).toBe(index + 1);
  }
  await say("c");
  await expect.poll(() => incoming.readableLength).toBeGreaterThan(0);
  for (const word of ["d", "e"]) await say(word);
  answer.end("f");
  expect(await end).toBe("whole");
  expect(passed.join("")).toBe("abcdef");
  expect(passed.length).toBeLessThanOrEqual(4);
});

test("words that come now and then go on at once", async () => {
  const { passed, end } = await begin({ gapMs: 0 });
  for (const [index, word] of ["a", "b", "c", "d", "e"].entries()) {
    await say(word);
    await expect.poll(() => passed.length, { interval: 1 }).toBe(index + 1);
  }
  answer.end();
  expect(await end).toBe("whole");
});

test("what came in a gap is counted when the agent leaves in it", async () => {
  const leave = new AbortController();
  const { incoming, passed, taken, end } = await begin({ gapMs: 60_000, signal: leave.signal });
  for (const [index, word] of ["a", "b"].entries()) {
    await say(word);
    await expect.poll(() => passed.length, { interval: 1 }).toBe(index + 1);
  }
  await say("usage");
  await expect.poll(() => incoming.readableLength).toBeGreaterThan(0);
  leave.abort();
  expect(await end).toBe("cut");
  expect(taken).toEqual(["a", "b", "usage"]);
});
