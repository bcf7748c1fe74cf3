import { RunnerSchema } from "#gen/fleet/v1/runner_pb.js";
import { toJson } from "./json.ts";
import { Query } from "./query.ts";
import type { RestCall, Route } from "./route.ts";

/** The routes that show the runners. */
export const fleetRoutes: readonly Route[] = [{ method: "GET", path: "/api/runners", handle: listRunners }];

async function listRunners({ fleet, url }: RestCall): Promise<Response> {
  new Query(url.searchParams, []);
  const { runners } = await fleet.listRunners({});
  return Response.json({ runners: runners.map((runner) => toJson(RunnerSchema, runner)) });
}
