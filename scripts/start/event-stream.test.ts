import { expect, test } from "vitest";
import { readEvents } from "./event-stream.ts";

const text =
  'retry: 2000\n\nid: 1\nevent: log\ndata: {"text": "größe: 3\\n"}\n\nevent: end\ndata: a\ndata: b\n\ndata: cut';

test.each([1, 2, 3, 7, 1000])("events are whole however the stream is cut (%i bytes at a time)", async (size) => {
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
      controller.close();
    },
  });
  expect(await Array.fromAsync(readEvents(body))).toEqual([
    { event: "log", data: '{"text": "größe: 3\\n"}' },
    { event: "end", data: "a\nb" },
  ]);
});
