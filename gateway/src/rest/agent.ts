import { DiffSchema } from "#gen/job/v1/job_service_pb.js";
import { askRuleRoutes } from "./ask-rules.ts";
import { askRoutes } from "./asks.ts";
import { toJson } from "./json.ts";
import { messageRoutes } from "./messages.ts";
import { Query } from "./query.ts";
import { present, type RestCall, type Route } from "./route.ts";

/** The routes by which people talk with agents, and see what they changed. */
export const agentRoutes: readonly Route[] = [
  ...messageRoutes,
  ...askRoutes,
  ...askRuleRoutes,
  { method: "GET", path: "/api/jobs/:id/diff", handle: getDiff },
];

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
