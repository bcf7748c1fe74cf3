import { Code, ConnectError } from "@connectrpc/connect";
import { signal } from "@preact/signals";
import { expect, test } from "vitest";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";
import { createHandClock } from "../connection/hand-clock.ts";
import { createOutbox } from "./outbox.ts";

test("a call that got nowhere is seen, and made again when the connection is back", async () => {
  const { outbox, clock, isLive } = open();
  let calls = 0;
  const sent = outbox.send("New job: lint", async () => {
    if (++calls < 3) throw new ConnectError("fetch failed", Code.Unavailable);
    return "made";
  });
  await clock.untilWaiting(2_000);
  expect(outbox.waiting.value.map(({ title }) => title)).toEqual(["New job: lint"]);
  clock.advance(2_000);
  expect(calls).toBe(1);
  isLive.value = true;
  // The second call fails too; it rests again before the third.
  await clock.untilWaiting(2_000);
  clock.advance(2_000);
  expect(await sent).toBe("made");
  expect(outbox.waiting.value).toEqual([]);
});

test("a call that is withdrawn is never made again", async () => {
  const { outbox, clock, isLive } = open();
  let calls = 0;
  const sent = outbox.send("Message: hi", async () => {
    calls++;
    throw new ConnectError("fetch failed", Code.Unavailable);
  });
  await clock.untilWaiting(2_000);
  outbox.waiting.value[0]?.withdraw();
  await expect(sent).rejects.toMatchObject({ code: Code.Canceled });
  isLive.value = true;
  clock.advance(2_000);
  expect(calls).toBe(1);
  expect(outbox.waiting.value).toEqual([]);
});

test("what the gateway refuses does not wait", async () => {
  const { outbox } = open();
  const refusal = problemError({
    code: Code.Unavailable,
    reason: ProblemReason.RUNNER_OFFLINE,
    message: "the runner is offline",
    action: "Start it.",
  });
  await expect(outbox.send("Stop", () => Promise.reject(refusal))).rejects.toBe(refusal);
  expect(outbox.waiting.value).toEqual([]);
});

function open() {
  const clock = createHandClock();
  const isLive = signal(false);
  return { clock, isLive, outbox: createOutbox({ after: clock.around.after, isLive: () => isLive.value }) };
}
