import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { AskSchema, AskStateSchema, type Decision, DecisionSchema } from "#gen/job/v1/ask_pb.js";
import { MessageSchema } from "#gen/job/v1/job_event_pb.js";
import { DiffSchema } from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";
import { readJsonObject } from "./body.ts";
import { Fields, invalidField } from "./fields.ts";
import { toJson } from "./json.ts";
import { Query } from "./query.ts";
import { idempotencyKey, present, type RestCall, type Route } from "./route.ts";

/** The routes by which people talk with an agent: messages, asks, and what it changed. */
export const agentRoutes: readonly Route[] = [
  { method: "POST", path: "/api/jobs/:id/messages", handle: sendMessage },
  { method: "GET", path: "/api/jobs/:id/diff", handle: getDiff },
  { method: "GET", path: "/api/asks", handle: listAsks },
  { method: "POST", path: "/api/asks/:id/decision", handle: decideAsk },
];

async function sendMessage({ request, jobs, id }: RestCall): Promise<Response> {
  const fields = new Fields(await readJsonObject(request));
  const send = { text: fields.requiredString("text"), interrupt: fields.boolean("interrupt") ?? false };
  fields.refuseOthers();
  const { message } = await jobs.sendMessage({
    id,
    idempotencyKey: idempotencyKey(request),
    action: { case: "send", value: send },
  });
  return Response.json(toJson(MessageSchema, present(message, "message")), { status: 201 });
}

async function getDiff({ request, url, jobs, id }: RestCall): Promise<Response> {
  const query = new Query(url.searchParams, ["path", "stat"]);
  const wantsPatch = request.headers.get("accept")?.includes("text/x-diff") ?? false;
  const diff = present(
    (await jobs.getDiff({ id, path: query.text("path"), statOnly: query.flag("stat") ?? false })).diff,
    "diff",
  );
  if (!wantsPatch) return Response.json(toJson(DiffSchema, diff));
  const patches = diff.files.map(({ patch }) => new Uint8Array(patch));
  return new Response(new Blob(patches), { headers: { "content-type": "text/x-diff; charset=utf-8" } });
}

async function listAsks({ url, jobs }: RestCall): Promise<Response> {
  const query = new Query(url.searchParams, ["status", "job_id", "limit", "page_token"]);
  const { asks, nextPageToken } = await jobs.listAsks({
    jobId: query.text("job_id"),
    states: query.enums("status", AskStateSchema),
    pageSize: query.integer("limit", { min: 1, max: 200 }) ?? 0,
    pageToken: query.text("page_token"),
  });
  return Response.json({ asks: asks.map((ask) => toJson(AskSchema, ask)), next_page_token: nextPageToken || null });
}

async function decideAsk({ request, jobs, id }: RestCall): Promise<Response> {
  const fields = new Fields(await readJsonObject(request));
  const jobId = fields.string("job_id");
  const decision = parseDecision(fields);
  fields.refuseOthers();
  const { asks } = await jobs.decideAsk({
    asks: [{ askId: id, jobId: jobId ?? (await findJobOfAsk(jobs, id)) }],
    decision,
    idempotencyKey: idempotencyKey(request),
  });
  return Response.json(toJson(AskSchema, present(asks[0], "the ask")));
}

function parseDecision(fields: Fields): Decision {
  const kind = fields.requiredString("decision");
  return create(DecisionSchema, { verdict: parseVerdict(kind, fields) });
}

function parseVerdict(kind: string, fields: Fields): NonNullable<MessageInitShape<typeof DecisionSchema>["verdict"]> {
  switch (kind) {
    case "allow":
      return { case: "allow", value: parseAllow(fields) };
    case "deny":
      return { case: "deny", value: { message: fields.string("message") ?? "" } };
    case "answer": {
      const answers = fields.strings("answers") ?? [];
      return { case: "answers", value: { answers: answers.map((answer) => ({ values: [answer] })) } };
    }
    case "raise_budget": {
      const usd = fields.number("limit_usd") ?? 0;
      if (usd <= 0 || usd > 1_000_000) throw invalidField("limit_usd", "must be a number above 0, at most 1000000");
      return { case: "raiseBudget", value: { limitMicros: BigInt(Math.round(usd * 1_000_000)) } };
    }
    default:
      throw invalidField("decision", "must be one of allow, deny, answer, raise_budget");
  }
}

/** `scope` "once" is this call alone; "job" needs the rule that later calls must match. */
function parseAllow(fields: Fields): { rule: string } {
  const scope = fields.string("scope") ?? "once";
  const rule = fields.string("rule") ?? "";
  if (scope !== "once" && scope !== "job") throw invalidField("scope", "must be once or job");
  if ((scope === "job") !== (rule !== "")) throw invalidField("rule", "goes with scope job, and only with it");
  return { rule };
}

async function findJobOfAsk(jobs: RestCall["jobs"], id: string): Promise<string> {
  const everyState = AskStateSchema.values.map(({ number }) => number).filter((state) => state !== 0);
  for (let pageToken = ""; ; ) {
    const page = await jobs.listAsks({ states: everyState, pageSize: 200, pageToken });
    const found = page.asks.find((ask) => ask.id === id);
    if (found !== undefined) return found.jobId;
    if (page.nextPageToken === "") break;
    pageToken = page.nextPageToken;
  }
  throw problemError({
    code: Code.NotFound,
    reason: ProblemReason.ASK_NOT_FOUND,
    message: `no ask has the id "${id.slice(0, 40)}"`,
    action: "List the asks with GET /api/asks.",
  });
}
