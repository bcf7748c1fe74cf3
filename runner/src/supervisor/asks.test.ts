import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type Ask, AskState, DecisionSchema } from "#gen/job/v1/ask_pb.js";
import { ActorKind } from "#gen/job/v1/job_pb.js";
import type { AskQuestion, EventPayload } from "../executor/executor.ts";
import { Asks } from "./asks.ts";
import { Waits } from "./waits.ts";

const question: AskQuestion = { case: "permission", value: { tool: "Bash", inputJson: '{"command":"ls"}' } };
const allowed = create(DecisionSchema, {
  actor: { kind: ActorKind.CALLER, id: "ana" },
  verdict: { case: "allow", value: {} },
});

function openAsks() {
  const written: EventPayload[] = [];
  const waits = new Waits({ onStatus: () => undefined });
  const emit = (payload: EventPayload) => void written.push(payload);
  const asks = new Asks({ jobId: "job_0123456789abcdef", askMs: 60_000, emit, waits, now: () => 1_000_000 });
  const stop = new AbortController();
  const ask = (parentToolCallId = "") => asks.open(question, { parentToolCallId, signal: stop.signal });
  const states = () => written.map(({ value }) => (value as Ask).state);
  return { asks, ask, stop, waits, states, last: () => written.at(-1)?.value as Ask };
}

test("an ask is written whole, with the time at which the gateway closes it", () => {
  const { ask, last, waits } = openAsks();
  void ask("toolu_1");
  expect(last()).toMatchObject({
    id: expect.stringMatching(/^ask_[0-9a-z]{16}$/),
    jobId: "job_0123456789abcdef",
    createTime: { seconds: 1000n },
    expireTime: { seconds: 1060n },
    state: AskState.OPEN,
    question: { case: "permission", value: { tool: "Bash", inputJson: '{"command":"ls"}' } },
    parentToolCallId: "toolu_1",
  });
  expect(waits.isWaiting).toBe(true);
});

test("only the first decision counts, and it is written before the agent hears it", async () => {
  const { asks, ask, last, states, waits } = openAsks();
  const heard = ask().then((decision) => ({ decision, states: states() }));
  const { id } = last();
  asks.decide("ask_0000000000000000", allowed);
  asks.decide(id, allowed);
  asks.decide(id, create(DecisionSchema, { verdict: { case: "deny", value: {} } }));
  expect(await heard).toEqual({ decision: allowed, states: [AskState.OPEN, AskState.DECIDED] });
  expect(last()).toMatchObject({ id, decision: { actor: { id: "ana" } } });
  expect(waits.isWaiting).toBe(false);
});

test("what the gateway itself denies has expired", async () => {
  const { asks, ask, last } = openAsks();
  const answer = ask();
  const verdict = { case: "deny", value: { message: "nobody answered" } } as const;
  asks.decide(last().id, create(DecisionSchema, { actor: { kind: ActorKind.GATEWAY, id: "" }, verdict }));
  expect(await answer).toMatchObject({ verdict });
  expect(last().state).toBe(AskState.EXPIRED);
});

test("an ask that the agent takes back is withdrawn, and a later decision changes nothing", async () => {
  const { asks, ask, last, stop, states } = openAsks();
  const answer = ask();
  stop.abort();
  asks.decide(last().id, allowed);
  expect(await answer).toBeUndefined();
  expect(await ask()).toBeUndefined();
  expect(states()).toEqual([AskState.OPEN, AskState.WITHDRAWN]);
});

test("the end of the attempt withdraws what is open, and nothing is asked after it", async () => {
  const { asks, ask, states } = openAsks();
  const answers = [ask(), ask()];
  asks.close();
  expect(await Promise.all([...answers, ask()])).toEqual([undefined, undefined, undefined]);
  expect(states()).toEqual([AskState.OPEN, AskState.OPEN, AskState.WITHDRAWN, AskState.WITHDRAWN]);
});
