import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { listenForInterrupts } from "./interrupts.ts";

test("a second signal counts once it is no echo of the first", () => {
  const source = new EventEmitter();
  let nowMs = 1000;
  const interrupts = listenForInterrupts(source, () => nowMs);
  const aborted = () => [interrupts.first.aborted, interrupts.second.aborted];

  expect(aborted()).toEqual([false, false]);
  source.emit("SIGINT");
  expect(aborted()).toEqual([true, false]);
  nowMs += 100;
  source.emit("SIGINT");
  expect(aborted()).toEqual([true, false]);
  nowMs += 1000;
  source.emit("SIGTERM");
  expect(aborted()).toEqual([true, true]);
});
