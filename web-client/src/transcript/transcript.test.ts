import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { AgentEventSchema, PlanItemState } from "#gen/job/v1/job_event_pb.js";
import { Transcript } from "./transcript.ts";

type EventInit = MessageInitShape<typeof AgentEventSchema>;

test("deltas grow one block, and the whole text takes their place", () => {
  const transcript = play([text("Hel"), text("lo"), whole("Hello.")]);
  expect(transcript.blocks).toEqual([{ key: "m1/0", isSubAgent: false, kind: "text", text: "Hello.", isWhole: true }]);
});

test("a block that changed is a new object, the others stay the same", () => {
  const transcript = play([whole("done"), { event: { case: "delta", value: delta("m2", "a") } }]);
  const before = [...transcript.blocks];
  transcript.take(create(AgentEventSchema, { event: { case: "delta", value: delta("m2", "b") } }), 3, undefined);
  expect(transcript.blocks[0]).toBe(before[0]);
  expect(transcript.blocks[1]).not.toBe(before[1]);
});

test("a delta that comes after the whole block changes nothing", () => {
  expect(play([whole("Hello."), text("Hel")]).blocks).toMatchObject([{ text: "Hello.", isWhole: true }]);
});

test("a tool's result joins its call", () => {
  const transcript = play([
    { event: { case: "toolCall", value: { id: "t1", tool: "Bash", inputJson: "{}" } } },
    whole("meanwhile"),
    { event: { case: "toolResult", value: { toolCallId: "t1", text: "ok" } } },
  ]);
  expect(transcript.blocks).toMatchObject([
    { kind: "tool", call: { tool: "Bash" }, answer: { result: { text: "ok" }, tookMs: 2_000 } },
    { kind: "text" },
  ]);
});

test("the end settles calls without an answer and texts without an end", () => {
  const transcript = play([text("Hel"), { event: { case: "toolCall", value: { id: "t1", tool: "Bash" } } }]);
  transcript.finish();
  expect(transcript.blocks).toMatchObject([{ isWhole: true }, { isAbandoned: true, answer: undefined }]);
});

test("what a sub-agent does is marked", () => {
  expect(play([{ ...whole("inside"), parentToolCallId: "t1" }]).blocks).toMatchObject([{ isSubAgent: true }]);
});

test("the newest plan counts, and usage is summed over requests, each counted once", () => {
  const transcript = play([
    { event: { case: "plan", value: { items: [{ text: "old", state: PlanItemState.OPEN }] } } },
    { event: { case: "plan", value: { items: [{ text: "new", state: PlanItemState.ACTIVE }] } } },
    usage("m1", 10n),
    usage("m1", 25n),
    usage("m2", 5n),
  ]);
  expect(transcript.plan?.items.map((item) => item.text)).toEqual(["new"]);
  expect(transcript.usage).toEqual({ inputTokens: 0, outputTokens: 30, costMicros: 0 });
});

test("a line without a home is shown as it came", () => {
  const line = new TextEncoder().encode('{"type":"new_thing"}');
  expect(play([{ event: { case: "raw", value: { line } } }]).blocks).toMatchObject([
    { kind: "notice", tone: "quiet", text: '{"type":"new_thing"}' },
  ]);
});

function play(events: readonly EventInit[]): Transcript {
  const transcript = new Transcript();
  events.forEach((event, index) => {
    transcript.take(create(AgentEventSchema, event), index + 1, timestampFromMs(index * 1_000));
  });
  return transcript;
}

function text(more: string): EventInit {
  return { event: { case: "delta", value: delta("m1", more) } };
}

function delta(messageId: string, value: string) {
  return { messageId, index: 0, content: { case: "text", value } } as const;
}

function whole(value: string): EventInit {
  return { event: { case: "text", value: { messageId: "m1", index: 0, text: value } } };
}

function usage(messageId: string, outputTokens: bigint): EventInit {
  return { event: { case: "usage", value: { messageId, usage: { outputTokens } } } };
}
