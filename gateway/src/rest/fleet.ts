import { GetUsageResponseSchema, UsageGroupingSchema } from "#gen/fleet/v1/fleet_service_pb.js";
import { RunnerSchema } from "#gen/fleet/v1/runner_pb.js";
import { toJson } from "./json.ts";
import { enumFromText, Query } from "./query.ts";
import type { RestCall, Route } from "./route.ts";

/** The routes that show the runners and what was spent. */
export const fleetRoutes: readonly Route[] = [
  { method: "GET", path: "/api/runners", handle: listRunners },
  { method: "GET", path: "/api/usage", handle: getUsage },
];

async function listRunners({ fleet, url }: RestCall): Promise<Response> {
  new Query(url.searchParams, []);
  const { runners } = await fleet.listRunners({});
  return Response.json({ runners: runners.map((runner) => toJson(RunnerSchema, runner)) });
}

async function getUsage({ fleet, url }: RestCall): Promise<Response> {
  const query = new Query(url.searchParams, ["since", "until", "by"]);
  const since = query.time("since");
  const until = query.time("until");
  const by = query.text("by");
  const usage = await fleet.getUsage({
    ...(since && { since }),
    ...(until && { until }),
    groupBy: by === "" ? 0 : enumFromText("by", UsageGroupingSchema, by),
  });
  return Response.json(toJson(GetUsageResponseSchema, usage));
}
