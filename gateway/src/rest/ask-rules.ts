import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { AskRuleSchema, AskRuleVerdictSchema, AskSchema } from "#gen/job/v1/ask_pb.js";
import { readJsonObject } from "./body.ts";
import { Fields } from "./fields.ts";
import { toJson } from "./json.ts";
import { enumFromText, Query } from "./query.ts";
import { idempotencyKey, present, type RestCall, type Route } from "./route.ts";

/** The routes of the rules that decide asks. */
export const askRuleRoutes: readonly Route[] = [
  { method: "GET", path: "/api/ask-rules", handle: listRules },
  { method: "POST", path: "/api/ask-rules", handle: createRule },
  { method: "DELETE", path: "/api/ask-rules/:id", handle: revokeRule },
];

async function listRules({ url, jobs }: RestCall): Promise<Response> {
  const query = new Query(url.searchParams, ["ended"]);
  const { rules } = await jobs.listAskRules({ includeEnded: query.flag("ended") ?? false });
  return Response.json({ rules: rules.map((rule) => toJson(AskRuleSchema, rule)) });
}

async function createRule({ request, jobs }: RestCall): Promise<Response> {
  const fields = new Fields(await readJsonObject(request));
  const lifetimeMs = fields.integer("lifetime_ms", { min: 0, max: Number.MAX_SAFE_INTEGER });
  const preview = fields.boolean("preview") ?? false;
  const wished = {
    rule: fields.requiredString("rule"),
    verdict: enumFromText("verdict", AskRuleVerdictSchema, fields.requiredString("verdict")),
    repository: fields.string("repository") ?? "",
    labels: fields.strings("labels") ?? [],
    jobId: fields.string("job_id") ?? "",
    ...(lifetimeMs === undefined ? {} : { lifetime: durationFromMs(lifetimeMs) }),
  };
  fields.refuseOthers();
  const created = await jobs.createAskRule({ rule: wished, preview, idempotencyKey: idempotencyKey(request) });
  const rule = toJson(AskRuleSchema, present(created.rule, "the rule"));
  const asks = created.asks.map((ask) => toJson(AskSchema, ask));
  return Response.json({ rule, asks }, { status: preview ? 200 : 201 });
}

async function revokeRule({ jobs, id }: RestCall): Promise<Response> {
  const { rule } = await jobs.revokeAskRule({ id });
  return Response.json(toJson(AskRuleSchema, present(rule, "the rule")));
}
