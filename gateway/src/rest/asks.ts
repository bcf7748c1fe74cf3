import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { AskSchema, AskStateSchema, type Decision, DecisionSchema } from "#gen/job/v1/ask_pb.js";
import { readJsonObject } from "./body.ts";
import { Fields, invalidField } from "./fields.ts";
import { toJson } from "./json.ts";
import { linkToNext, Query } from "./query.ts";
import { idempotencyKey, present, type RestCall, type Route } from "./route.ts";

/** The routes that list asks and decide them. */
export const askRoutes: readonly Route[] = [
  { method: "GET", path: "/api/asks", handle: listAsks },
  { method: "POST", path: "/api/asks/:id/decision", handle: decideAsk },
];

async function listAsks({ url, jobs }: RestCall): Promise<Response> {
  const query = new Query(url.searchParams, ["status", "job_id", "limit", "page_size", "page_token"]);
  const bounds = { min: 1, max: 200 };
  const { asks, nextPageToken } = await jobs.listAsks({
    jobId: query.text("job_id"),
    states: query.enums("status", AskStateSchema),
    pageSize: query.integer("limit", bounds) ?? query.integer("page_size", bounds) ?? 0,
    pageToken: query.text("page_token"),
  });
  return Response.json(
    { asks: asks.map((ask) => toJson(AskSchema, ask)), next_page_token: nextPageToken || null },
    { headers: linkToNext(url, nextPageToken) },
  );
}

async function decideAsk({ request, jobs, id }: RestCall): Promise<Response> {
  const fields = new Fields(await readJsonObject(request));
  const jobId = fields.string("job_id") ?? "";
  const decision = parseDecision(fields);
  fields.refuseOthers();
  const { asks } = await jobs.decideAsk({
    asks: [{ askId: id, jobId }],
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
      const answers = fields.stringLists("answers") ?? [];
      return { case: "answers", value: { answers: answers.map((values) => ({ values })) } };
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
function parseAllow(fields: Fields): { rule: string; inputJson: string } {
  const scope = fields.string("scope") ?? "once";
  const rule = fields.string("rule") ?? "";
  if (scope !== "once" && scope !== "job") throw invalidField("scope", "must be once or job");
  if ((scope === "job") !== (rule !== "")) throw invalidField("rule", "goes with scope job, and only with it");
  return { rule, inputJson: fields.objectText("input") ?? "" };
}
