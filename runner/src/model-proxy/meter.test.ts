import { expect, test } from "vitest";
import { meterFor } from "./meter.ts";

const start = {
  type: "message_start",
  message: {
    id: "msg_1",
    model: "claude-opus-5-5",
    usage: {
      input_tokens: 10,
      output_tokens: 1,
      cache_read_input_tokens: 20,
      cache_creation_input_tokens: 30,
      cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
    },
  },
};
const text = { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: '"message_delta" é\n' } };
const end = { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 77 } };
const stream = [start, text, end, { type: "message_stop" }]
  .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
  .join("");
const counted = {
  messageId: "msg_1",
  model: "claude-opus-5-5",
  consumption: {
    inputTokens: 10,
    outputTokens: 77,
    cacheReadTokens: 20,
    cacheWriteTokens: 30,
    hourCacheWriteTokens: 20,
    webSearches: 0,
    isFast: false,
    isUsOnly: false,
  },
};

function meter(pieces: readonly (string | Buffer)[], contentType = "text/event-stream; charset=utf-8") {
  const own = meterFor(contentType);
  for (const piece of pieces) own.take(Buffer.from(piece));
  return own.read();
}

test("a stream is read whole or cut anywhere, with either line end", () => {
  expect(meter([stream])).toEqual(counted);
  expect(meter([stream.replaceAll("\n", "\r\n")])).toEqual(counted);
  for (const size of [1, 7, 100]) {
    const bytes = Buffer.from(stream);
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.subarray(at * size, (at + 1) * size),
    );
    expect(meter(pieces)).toEqual(counted);
  }
});

test("what came of a broken stream counts, and what is no JSON does not", () => {
  const broken = stream.slice(0, stream.indexOf("message_delta") + 60);
  expect(meter([broken])?.consumption).toMatchObject({ inputTokens: 10, outputTokens: 1 });
  expect(meter([`${broken}\n\ndata: {"type":"message_delta","us\n\n`])?.consumption.outputTokens).toBe(1);
  expect(meter(["data: [1]\n\ndata: null\n\n: nothing\n\n"])).toBeUndefined();
});

test("a line of any length passes, and those behind it are read", () => {
  const long = `data: ${"x".repeat(3 << 20)}`;
  expect(meter([long.slice(0, 1 << 20), long.slice(1 << 20), "\n\n", stream])).toEqual(counted);
});

test("an answer that is not streamed is read at its end", () => {
  const whole = JSON.stringify({
    ...start.message,
    type: "message",
    usage: { ...start.message.usage, output_tokens: 77 },
  });
  expect(meter([whole.slice(0, 50), whole.slice(50)], "application/json")).toEqual(counted);
  expect(meter([whole.slice(0, 50)], "application/json")).toBeUndefined();
  expect(meter(['{"type":"error"}'], "application/json")).toBeUndefined();
});

test("numbers that no API reports do no harm", () => {
  const usage = {
    input_tokens: -5,
    output_tokens: "many",
    cache_read_input_tokens: 1e300,
    cache_creation_input_tokens: 2.4,
  };
  const event = { type: "message_start", message: { usage } };
  expect(meter([`data: ${JSON.stringify(event)}\n\n`])?.consumption).toMatchObject({
    inputTokens: 0,
    outputTokens: 0,
    cacheReadTokens: 2 ** 40,
    cacheWriteTokens: 2,
  });
});
