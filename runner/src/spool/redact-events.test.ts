import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { type AgentEventSchema, type JobEvent, JobEventSchema } from "#gen/job/v1/job_event_pb.js";
import { EndCause } from "#gen/job/v1/job_pb.js";
import { Redaction } from "./redact.ts";
import { RedactedEvents } from "./redact-events.ts";

const secret = "sk-ant-secret";
const time = timestampFromMs(0);
const open = () => new RedactedEvents(new Redaction([secret]));

function jobEvent(payload: NonNullable<MessageInitShape<typeof JobEventSchema>["payload"]>): JobEvent {
  return create(JobEventSchema, { time, payload });
}

function agentEvent(event: MessageInitShape<typeof AgentEventSchema>["event"], parentToolCallId = ""): JobEvent {
  return jobEvent({ case: "agent", value: { parentToolCallId, ...(event && { event }) } });
}

type DeltaCase = "text" | "thinking" | "inputJson";

function delta(value: string, { messageId = "m", index = 0, kind = "text" as DeltaCase, parent = "" } = {}): JobEvent {
  return agentEvent({ case: "delta", value: { messageId, index, content: { case: kind, value } } }, parent);
}

const text = (value: string, index = 0) => agentEvent({ case: "text", value: { messageId: "m", index, text: value } });

/** What is written, in short. */
function shown(events: readonly JobEvent[]): string[] {
  return events.map(({ payload }) => {
    const event = payload.case === "agent" ? payload.value.event : undefined;
    if (event?.case === "delta") return `${event.value.messageId}${event.value.index} ${event.value.content.value}`;
    return event?.case === "text" ? `whole ${event.value.text}` : `${event?.case ?? payload.case}`;
  });
}

/** What is written for a row of events, and at the end. */
function redacted(events: readonly JobEvent[]): string[] {
  const redactedEvents = open();
  return shown([...events.flatMap((event) => redactedEvents.redact(event)), ...redactedEvents.end(time)]);
}

describe("deltas of a block", () => {
  test("are one text, wherever it is cut", () => {
    const said = `It is ${secret}, and that was it.`;
    for (let at = 0; at <= said.length; at += 1) {
      const events = [delta(said.slice(0, at)), delta(said.slice(at)), text(said)];
      const parts = redacted(events);
      expect(parts.at(-1)).toBe("whole It is *************, and that was it.");
      expect(parts.slice(0, -1).join("").replaceAll("m0 ", "")).toBe("It is *************, and that was it.");
    }
  });

  test("of several blocks at once are not mixed up", () => {
    const halves = ["sk-ant", "-secret."];
    const places = [
      {},
      { index: 1 },
      { messageId: "n" },
      { kind: "thinking" as const },
      { kind: "inputJson" as const },
    ];
    const events = halves.flatMap((half) => places.map((place) => delta(half, place)));
    expect(redacted(events)).toEqual(["m0", "m1", "n0", "m0", "m0"].map((place) => `${place} *************.`));
  });

  test("whose end was kept back are whole before their block is told, and not before that", () => {
    const call = (messageId: string) => agentEvent({ case: "toolCall", value: { id: "t", messageId } });
    const turn = agentEvent({ case: "turnResult", value: {} });
    const input = delta("sk-ant", { kind: "inputJson" });
    expect(redacted([delta("sk-"), text("?", 1), text("sk-")])).toEqual(["whole ?", "m0 sk-", "whole sk-"]);
    expect(redacted([input, call("n"), call("m")])).toEqual(["toolCall", "m0 sk-ant", "toolCall"]);
    expect(redacted([delta("sk-"), delta("sk-", { parent: "t" }), turn])).toEqual(["m0 sk-", "turnResult", "m0 sk-"]);
    expect(redacted([delta("sk-")])).toEqual(["m0 sk-"]);
  });

  test("keep whole characters, and where they belong", () => {
    const redactedEvents = new RedactedEvents(new Redaction(["\u20ac\u20ac\u20ac"]));
    const euro = delta("\u20ac\u20ac", { parent: "t" });
    expect(redactedEvents.redact(euro)).toEqual([]);
    expect(redactedEvents.redact(delta("\u20ac5", { parent: "t" }))).toEqual([delta("*********5", { parent: "t" })]);
  });
});

test("every string and all bytes of an event are looked through, and it is as long as before", () => {
  const line = new TextEncoder().encode(`{"x":"${secret}"}`);
  const events = [
    agentEvent({ case: "raw", value: { line } }),
    agentEvent({ case: "toolCall", value: { tool: secret, inputJson: `{"command":"echo ${secret}"}` } }),
    agentEvent({ case: "plan", value: { items: [{ text: "one" }, { text: secret }] } }),
    agentEvent({ case: "session", value: { tools: ["Bash", secret] } }),
    agentEvent({ case: "thinking", value: { text: Buffer.from(secret).toString("base64") } }),
    jobEvent({ case: "message", value: { text: secret } }),
    jobEvent({ case: "workspace", value: { event: { case: "checkedOut", value: { subject: secret } } } }),
    jobEvent({
      case: "ask",
      value: { question: { case: "permission", value: { suggestedRules: [secret], inputJson: secret } } },
    }),
    jobEvent({
      case: "attemptEnded",
      value: { result: secret, outcome: { cause: EndCause.CLONE_FAILED, message: `git: ${secret}` } },
    }),
  ];
  for (const event of events) {
    const before = toBinary(JobEventSchema, event);
    const [after, ...more] = open()
      .redact(event)
      .map((each) => Buffer.from(toBinary(JobEventSchema, each)));
    expect(more).toEqual([]);
    expect(after).toHaveLength(before.length);
    expect(after?.includes("*******")).toBe(true);
    for (const form of [secret, Buffer.from(secret).toString("base64").slice(0, 16)])
      expect(after?.includes(form)).toBe(false);
    // What the event was made of may be in use.
    expect(toBinary(JobEventSchema, event)).toEqual(before);
  }
});
