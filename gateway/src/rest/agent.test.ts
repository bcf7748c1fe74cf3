import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { AskRuleSchema, AskRuleVerdict, AskSchema, AskState } from "#gen/job/v1/ask_pb.js";
import { JobSchema, PermissionMode } from "#gen/job/v1/job_pb.js";
import type {
  CreateAskRuleRequest,
  DecideAskRequest,
  EditMessage,
  SendMessageRequest,
} from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";
import { openLocalGateway } from "../local-gateway.ts";
import type { Services } from "../rpc.ts";

const jobId = "job_0123456789abcdef";
const askId = "ask_0123456789abcdef";

const messageId = "msg_0123456789abcdef";
const ruleId = "rule_0123456789abcdef";

const ask = create(AskSchema, {
  id: askId,
  jobId,
  createTime: timestampFromMs(0),
  state: AskState.OPEN,
  question: { case: "permission", value: { tool: "Bash", inputJson: '{"command":"ls"}' } },
});

test("asks are listed with what they ask", async () => {
  const send = openGateway({ listAsks: () => ({ asks: [ask] }) });
  expect(await (await send("GET", "/api/asks?status=open")).json()).toMatchObject({
    asks: [
      { id: askId, job_id: jobId, state: "open", created_at: "1970-01-01T00:00:00.000Z", permission: { tool: "Bash" } },
    ],
    next_page_token: null,
  });
});

test.each<[object, DecideAskRequest["decision"] | object]>([
  [{ decision: "allow", scope: "once" }, { verdict: { case: "allow", value: { rule: "" } } }],
  [
    { decision: "allow", scope: "job", rule: "Bash(ls:*)" },
    { verdict: { case: "allow", value: { rule: "Bash(ls:*)" } } },
  ],
  [{ decision: "deny", message: "no" }, { verdict: { case: "deny", value: { message: "no" } } }],
  [
    { decision: "allow", input: { command: "ls -l" } },
    { verdict: { case: "allow", value: { inputJson: '{"command":"ls -l"}' } } },
  ],
  [
    { decision: "answer", answers: ["a", ["b", "c"]] },
    { verdict: { case: "answers", value: { answers: [{ values: ["a"] }, { values: ["b", "c"] }] } } },
  ],
  [
    { decision: "raise_budget", limit_usd: 2.5 },
    { verdict: { case: "raiseBudget", value: { limitMicros: 2_500_000n } } },
  ],
])("the decision %j reaches the ask of its job", async (body, decision) => {
  const decided: DecideAskRequest[] = [];
  const send = openGateway({
    decideAsk(request) {
      decided.push(request);
      return { asks: [{ ...ask, state: AskState.DECIDED }] };
    },
  });
  const response = await send("POST", `/api/asks/${askId}/decision`, body);
  expect([response.status, await response.json()]).toMatchObject([200, { state: "decided" }]);
  expect(decided).toMatchObject([{ asks: [{ jobId: "", askId }], decision }]);
});

test.each<[object, string]>([
  [{}, "decision"],
  [{ decision: "maybe" }, "decision"],
  [{ decision: "allow", scope: "job" }, "rule"],
  [{ decision: "allow", rule: "Bash" }, "rule"],
  [{ decision: "allow", scope: "always" }, "scope"],
  [{ decision: "deny", rule: "Bash" }, "rule"],
  [{ decision: "raise_budget" }, "limit_usd"],
])("the decision %j is refused for its %s", async (body, field) => {
  const response = await openGateway({})("POST", `/api/asks/${askId}/decision`, body);
  expect([response.status, await response.json()]).toMatchObject([400, { errors: [{ field }] }]);
});

test("who decides second is told so", async () => {
  const send = openGateway({
    decideAsk() {
      throw problemError({
        code: Code.Aborted,
        reason: ProblemReason.ALREADY_DECIDED,
        message: "ann allowed it at 10:31",
        action: "Read the ask again.",
      });
    },
  });
  const response = await send("POST", `/api/asks/${askId}/decision`, { decision: "deny" });
  expect([response.status, await response.json()]).toMatchObject([409, { reason: "already_decided" }]);
});

test("a message reaches the agent", async () => {
  const sent: SendMessageRequest[] = [];
  const send = openGateway({
    sendMessage(request) {
      sent.push(request);
      return { message: { id: "msg_0123456789abcdef", text: "stop", interrupt: true } };
    },
  });
  const response = await send("POST", `/api/jobs/${jobId}/messages`, { text: "stop", interrupt: true });
  expect([response.status, await response.json()]).toMatchObject([201, { text: "stop", interrupt: true }]);
  expect(sent).toMatchObject([{ id: jobId, action: { case: "send", value: { text: "stop", interrupt: true } } }]);
});

test.each<[string, string, object | undefined, SendMessageRequest["action"]]>([
  ["PATCH", `/${messageId}`, { text: "go" }, { case: "edit", value: { id: messageId, text: "go" } as EditMessage }],
  ["DELETE", `/${messageId}`, undefined, { case: "withdrawId", value: messageId }],
])("%s of a message changes it while it is queued", async (method, path, body, action) => {
  const sent: SendMessageRequest[] = [];
  const send = openGateway({
    sendMessage(request) {
      sent.push(request);
      return { message: { id: messageId, text: "go" } };
    },
  });
  const response = await send(method, `/api/jobs/${jobId}/messages${path}`, body);
  expect([response.status, await response.json()]).toMatchObject([200, { id: messageId }]);
  expect(sent).toMatchObject([{ id: jobId, action }]);
});

test("the permission mode of a job is set, and shown as it is in force", async () => {
  const job = create(JobSchema, {
    id: jobId,
    permissionMode: PermissionMode.PLAN,
    spec: { work: { case: "agent", value: { agent: "claude", permissionMode: PermissionMode.BYPASS } } },
  });
  const send = openGateway({ setPermissionMode: ({ mode }) => ({ job: { ...job, permissionMode: mode } }) });
  const response = await send("POST", `/api/jobs/${jobId}/permission-mode`, { mode: "accept_edits" });
  expect([response.status, await response.json()]).toMatchObject([200, { permission_mode: "accept_edits" }]);
});

test("rules are stored, tried, listed and revoked", async () => {
  const created: CreateAskRuleRequest[] = [];
  const rule = create(AskRuleSchema, { id: ruleId, rule: "Bash(ls:*)", verdict: AskRuleVerdict.DENY, decided: 2 });
  const send = openGateway({
    createAskRule(request) {
      created.push(request);
      return { rule, asks: [ask] };
    },
    listAskRules: ({ includeEnded }) => ({ rules: includeEnded ? [rule] : [] }),
    revokeAskRule: ({ id }) => ({ rule: { ...rule, id } }),
  });
  const wish = { rule: "Bash(ls:*)", verdict: "deny", labels: ["a=b"], lifetime_ms: 60_000, repository: "o/n" };
  const stored = await send("POST", "/api/ask-rules", wish, { "idempotency-key": "k" });
  expect([stored.status, await stored.json()]).toMatchObject([
    201,
    { rule: { id: ruleId, verdict: "deny", decided: 2 }, asks: [{ id: askId }] },
  ]);
  const tried = await send("POST", "/api/ask-rules", { ...wish, preview: true, job_id: jobId });
  expect(tried.status).toBe(200);
  expect(created).toMatchObject([
    { idempotencyKey: "k", preview: false, rule: { rule: "Bash(ls:*)", labels: ["a=b"], repository: "o/n" } },
    { preview: true, rule: { jobId, lifetime: { seconds: 60n } } },
  ]);
  expect(await (await send("GET", "/api/ask-rules?ended=1")).json()).toMatchObject({ rules: [{ id: ruleId }] });
  expect(await (await send("DELETE", `/api/ask-rules/${ruleId}`)).json()).toMatchObject({ id: ruleId });
});

test("a diff comes as JSON, or as a patch", async () => {
  const patch = new TextEncoder().encode("--- a\n+++ b\n");
  const send = openGateway({
    getDiff: () => ({ diff: { baseCommit: "abc", stat: { files: 1 }, files: [{ path: "b", oldPath: "a", patch }] } }),
  });
  const path = `/api/jobs/${jobId}/diff`;
  expect(await (await send("GET", path)).json()).toMatchObject({
    base_commit: "abc",
    stat: { files: 1 },
    files: [{ path: "b", old_path: "a", change: null, patch: "--- a\n+++ b\n" }],
  });
  const text = await send("GET", path, undefined, { accept: "text/x-diff" });
  expect([text.headers.get("content-type"), await text.text()]).toEqual([
    "text/x-diff; charset=utf-8",
    "--- a\n+++ b\n",
  ]);
});

test("what a gateway does not do yet says so", async () => {
  const response = await openGateway({})("GET", "/api/asks");
  expect([response.status, await response.json()]).toMatchObject([501, { code: "unimplemented" }]);
});

function openGateway(job: Services["job"]) {
  const send = openLocalGateway({ job });
  return async (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
    await send(path, {
      method,
      headers: { ...headers, ...(body && { "content-type": "application/json" }) },
      ...(body && { body: JSON.stringify(body) }),
    });
}
