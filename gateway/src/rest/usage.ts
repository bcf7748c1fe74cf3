import {
  type GetUsageResponse,
  GetUsageResponseSchema,
  UsageGrouping,
  UsageGroupingSchema,
} from "#gen/fleet/v1/fleet_service_pb.js";
import { toCsv } from "./csv.ts";
import { invalidField } from "./fields.ts";
import { enumToJson, toJson } from "./json.ts";
import { enumFromText, Query } from "./query.ts";
import type { RestCall, Route } from "./route.ts";

/** The route of what was spent, as JSON or as CSV. */
export const usageRoute: Route = { method: "GET", path: "/api/usage", handle: getUsage };

async function getUsage({ fleet, url, request }: RestCall): Promise<Response> {
  const query = new Query(url.searchParams, ["since", "until", "by", "format"]);
  const since = query.time("since");
  const until = query.time("until");
  const by = query.text("by");
  const groupBy = by === "" ? UsageGrouping.DAY : enumFromText("by", UsageGroupingSchema, by);
  const isCsv = wantsCsv(request, query.text("format"));
  const usage = await fleet.getUsage({ ...(since && { since }), ...(until && { until }), groupBy });
  return isCsv ? csvResponse(usage, groupBy) : Response.json(toJson(GetUsageResponseSchema, usage));
}

function wantsCsv({ headers }: Request, format: string): boolean {
  if (format !== "" && format !== "csv" && format !== "json") throw invalidField("format", "must be json or csv");
  return format === "" ? /\btext\/csv\b/i.test(headers.get("accept") ?? "") : format === "csv";
}

const columns = [
  ...["jobs", "requests", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens"],
  ...["cost_usd", "estimated"],
];

function csvResponse({ rows }: GetUsageResponse, groupBy: UsageGrouping): Response {
  const grouping = enumToJson(UsageGroupingSchema, groupBy) ?? "day";
  const table = rows.map(({ key, jobs, usage }) => [
    key,
    jobs,
    usage?.requests ?? 0,
    usage?.inputTokens ?? 0n,
    usage?.outputTokens ?? 0n,
    usage?.cacheReadTokens ?? 0n,
    usage?.cacheWriteTokens ?? 0n,
    toDollars(usage?.costMicros ?? 0n),
    usage?.estimated ?? false,
  ]);
  return new Response(toCsv([grouping, ...columns], table), {
    headers: {
      "content-type": "text/csv; charset=utf-8; header=present",
      "content-disposition": `attachment; filename="usage-by-${grouping}.csv"`,
    },
  });
}

/** Exact, whatever the amount. */
function toDollars(micros: bigint): string {
  return `${micros / 1_000_000n}.${String(micros % 1_000_000n).padStart(6, "0")}`;
}
