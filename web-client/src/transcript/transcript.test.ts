import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { AskSchema, AskState } from "#gen/job/v1/ask_pb.js";
import { AgentEventSchema, PlanItemState, SubAgentState } from "#gen/job/v1/job_event_pb.js";
import { Transcript } from "./transcript.ts";

type EventInit = MessageInitShape<typeof AgentEventSchema>;

test("deltas grow one block, and the whole text takes their place", () => {
  const transcript = play([text("Hel"), text("lo"), whole("Hello.")]);
  expect(transcript.blocks).toEqual([{ key: "m1/0", parentId: "", kind: "text", text: "Hello.", isWhole: true }]);
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

test("what a sub-agent does is inside the call that began it, at any depth", () => {
  const transcript = play([
    { event: { case: "toolCall", value: { id: "t1", tool: "Agent" } } },
    { event: { case: "toolCall", value: { id: "t2", tool: "Agent" } }, parentToolCallId: "t1" },
    { ...whole("deep"), parentToolCallId: "t2" },
    { event: { case: "subAgent", value: { toolCallId: "t2", kind: "scout", state: SubAgentState.RUNNING } } },
  ]);
  expect(transcript.blocks).toMatchObject([
    { key: "t1", inside: [{ key: "t2", subAgent: { kind: "scout" }, inside: [{ kind: "text", text: "deep" }] }] },
  ]);
  const [before] = transcript.blocks;
  transcript.take(create(AgentEventSchema, { ...text("more"), parentToolCallId: "t2" }), 9, undefined);
  expect(transcript.blocks).toHaveLength(1);
  // Deltas after a whole text change nothing; a new block does.
  expect(transcript.blocks[0]).toBe(before);
  transcript.take(create(AgentEventSchema, { ...whole("new", "m2"), parentToolCallId: "t2" }), 10, undefined);
  expect(transcript.blocks[0]).not.toBe(before);
});

test("what a sub-agent of an unknown call does stands beside the rest", () => {
  expect(play([{ ...whole("lost"), parentToolCallId: "t9" }]).blocks).toMatchObject([{ kind: "text", text: "lost" }]);
});

test("an ask is one block, whatever became of it", () => {
  const transcript = play([]);
  transcript.takeAsk(create(AskSchema, { id: "ask_1", state: AskState.OPEN }));
  transcript.takeAsk(create(AskSchema, { id: "ask_1", state: AskState.EXPIRED }));
  expect(transcript.blocks).toMatchObject([{ kind: "ask", ask: { state: AskState.EXPIRED } }]);
});

test("the newest plan counts", () => {
  const transcript = play([
    { event: { case: "plan", value: { items: [{ text: "old", state: PlanItemState.OPEN }] } } },
    { event: { case: "plan", value: { items: [{ text: "new", state: PlanItemState.ACTIVE }] } } },
  ]);
  expect(transcript.plan?.items.map((item) => item.text)).toEqual(["new"]);
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

function whole(value: string, messageId = "m1"): EventInit {
  return { event: { case: "text", value: { messageId, index: 0, text: value } } };
}
