import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type Message, MessageSchema, MessageState } from "#gen/job/v1/job_event_pb.js";
import { Messages } from "./messages.ts";

const { QUEUED, CONSUMED, WITHDRAWN, UNDELIVERED } = MessageState;

function openMessages() {
  const written: Message[] = [];
  const queued: string[] = [];
  const messages = new Messages({
    emit: ({ value }) => void written.push(value as Message),
    onQueued: ({ id }) => void queued.push(id),
  });
  const send = (id: string, text: string, state = QUEUED) =>
    messages.receive(create(MessageSchema, { id, text, state }));
  return { messages, send, queued, written: () => written.map(({ id, state, text }) => [id, state, text]) };
}

test("messages wait in order until the agent takes them, once", () => {
  const { messages, send, written, queued } = openMessages();
  send("a", "one");
  send("b", "two");
  expect(messages.isEmpty).toBe(false);
  expect(messages.take().map(({ text }) => text)).toEqual(["one", "two"]);
  expect(messages.isEmpty).toBe(true);
  expect(messages.take()).toEqual([]);
  expect(queued).toEqual(["a", "b"]);
  expect(written()).toEqual([
    ["a", QUEUED, "one"],
    ["b", QUEUED, "two"],
    ["a", CONSUMED, "one"],
    ["b", CONSUMED, "two"],
  ]);
});

test("a queued message can be changed, and keeps its place", () => {
  const { messages, send, queued } = openMessages();
  send("a", "one");
  send("b", "two");
  expect(send("a", "first")).toMatchObject({ kind: "accepted", message: { state: QUEUED, text: "first" } });
  expect(messages.take().map(({ text }) => text)).toEqual(["first", "two"]);
  expect(queued).toEqual(["a", "b"]);
});

test("a queued message can be withdrawn, and does not come back", () => {
  const { messages, send, written } = openMessages();
  send("a", "one");
  expect(send("a", "", WITHDRAWN)).toMatchObject({ message: { state: WITHDRAWN, text: "one" } });
  expect(send("a", "one")).toMatchObject({ kind: "accepted", message: { state: WITHDRAWN } });
  expect(messages.take()).toEqual([]);
  expect(written()).toHaveLength(2);
});

test("a message that is withdrawn before it came is not delivered when it comes", () => {
  const { messages, send } = openMessages();
  send("a", "one", WITHDRAWN);
  send("a", "one");
  expect(messages.take()).toEqual([]);
});

test("the same message again changes nothing, also when the agent has it", () => {
  const { messages, send, written } = openMessages();
  send("a", "one");
  send("a", "one");
  messages.take();
  expect(send("a", "one")).toMatchObject({ kind: "accepted", message: { state: CONSUMED } });
  expect(messages.take()).toEqual([]);
  expect(written()).toHaveLength(2);
});

test("what the agent has can neither be changed nor withdrawn", () => {
  const { messages, send } = openMessages();
  send("a", "one");
  messages.take();
  expect(send("a", "other")).toEqual({ kind: "consumed" });
  expect(send("a", "one", WITHDRAWN)).toEqual({ kind: "consumed" });
});

test("the end leaves queued messages undelivered and takes no new ones", () => {
  const { messages, send, written } = openMessages();
  send("a", "one");
  messages.close();
  messages.close();
  expect(send("b", "two")).toEqual({ kind: "ended" });
  expect(send("a", "", WITHDRAWN)).toMatchObject({ message: { state: UNDELIVERED } });
  expect(written()).toEqual([
    ["a", QUEUED, "one"],
    ["a", UNDELIVERED, "one"],
  ]);
});
