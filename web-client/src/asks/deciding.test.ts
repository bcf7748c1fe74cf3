import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, createRouterTransport, type ServiceImpl } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { type Ask, AskSchema, AskState } from "#gen/job/v1/ask_pb.js";
import { type DecideAskRequest, JobService } from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";
import { validateRequests } from "#protocol/validation.ts";
import { createGateway } from "../transport.ts";
import { createDeciding } from "./deciding.ts";

const open = create(AskSchema, { id: "ask_0000000000000001", jobId: "job_0000000000000001", state: AskState.OPEN });
const allow = { case: "allow", value: { rule: "" } } as const;

test("a decision carries the ask's id, and how the ask stands afterwards is learned", async () => {
  const calls: DecideAskRequest[] = [];
  const page = serve({
    decideAsk: (request) => {
      calls.push(request);
      return { asks: [{ ...open, state: AskState.DECIDED }] };
    },
  });
  await page.deciding.decide(open, allow);
  expect(calls[0]?.asks).toMatchObject([{ jobId: open.jobId, askId: open.id }]);
  expect(calls[0]?.decision?.verdict.case).toBe("allow");
  expect(page.learned).toMatchObject([{ state: AskState.DECIDED }]);
  expect(page.deciding.attempts.value.size).toBe(0);
});

test("a second press while the first is on its way decides nothing", async () => {
  const answer = Promise.withResolvers<void>();
  let calls = 0;
  const page = serve({
    decideAsk: async () => {
      calls++;
      await answer.promise;
      return {};
    },
  });
  const first = page.deciding.decide(open, allow);
  await page.deciding.decide(open, { case: "deny", value: {} });
  answer.resolve();
  await first;
  expect(calls).toBe(1);
});

test("whoever was second reads who was first", async () => {
  const page = serve({
    decideAsk: () => {
      throw problemError({
        code: Code.Aborted,
        reason: ProblemReason.ALREADY_DECIDED,
        message: "already allowed by ana, 2 s ago",
        action: "Read the ask.",
      });
    },
  });
  await page.deciding.decide(open, allow);
  expect(page.reread).toEqual([open.jobId]);
  expect(page.deciding.attempts.value.get(open.id)).toEqual({ kind: "beaten" });
});

test("a verdict that the question does not take is told, and the ask stays open", async () => {
  const page = serve({
    decideAsk: () => {
      throw problemError({
        code: Code.FailedPrecondition,
        reason: ProblemReason.ASK_CLOSED,
        field: "decision.allow.input_json",
        message: "input_json is not a JSON object",
        action: "Send an object.",
      });
    },
  });
  await page.deciding.decide(open, allow);
  expect(page.reread).toEqual([]);
  expect(page.deciding.attempts.value.get(open.id)).toEqual({
    kind: "failed",
    message: "Input_json is not a JSON object.",
  });
});

test("the same decision after a lost answer is the same call, another decision is another", async () => {
  const keys: string[] = [];
  const page = serve({
    decideAsk: ({ idempotencyKey }) => {
      keys.push(idempotencyKey);
      throw new ConnectError("gone", Code.Unavailable);
    },
  });
  await page.deciding.decide(open, allow);
  await page.deciding.decide(open, { case: "allow", value: { rule: "" } });
  await page.deciding.decide(open, { case: "deny", value: {} });
  expect(keys[0]).toBe(keys[1]);
  expect(keys[2]).not.toBe(keys[0]);
});

function serve(service: Partial<ServiceImpl<typeof JobService>>) {
  const learned: Ask[] = [];
  const reread: string[] = [];
  const transport = createRouterTransport(({ service: add }) => add(JobService, service), {
    router: { interceptors: [validateRequests] },
  });
  const deciding = createDeciding(createGateway(transport).jobs, {
    learn: (asks) => void learned.push(...asks),
    readJob: async (jobId) => void reread.push(jobId),
  });
  return { deciding, learned, reread };
}
