import { PublicationSchema } from "#gen/job/v1/job_pb.js";
import { type Diff, DiffSchema } from "#gen/job/v1/job_service_pb.js";
import { readJsonObject, readOptionalJsonObject } from "./body.ts";
import { Fields } from "./fields.ts";
import { toJson } from "./json.ts";
import { parseBranch, parsePullRequest } from "./publish.ts";
import { Query } from "./query.ts";
import { present, type RestCall, type Route } from "./route.ts";

/** The routes that show what a job changed, and bring it to the repository's host. */
export const workRoutes: readonly Route[] = [
  { method: "GET", path: "/api/jobs/:id/diff", handle: getDiff },
  { method: "POST", path: "/api/jobs/:id/push", handle: pushBranch },
  { method: "POST", path: "/api/jobs/:id/pull-request", handle: openPullRequest },
];

async function getDiff({ url, request, jobs, id }: RestCall): Promise<Response> {
  const query = new Query(url.searchParams, ["path", "stat", "from_turn", "to_turn"]);
  const turns = { min: 0, max: 2 ** 32 - 1 };
  const { diff } = await jobs.getDiff({
    id,
    path: query.text("path"),
    statOnly: query.flag("stat") ?? false,
    fromTurn: query.integer("from_turn", turns) ?? 0,
    toTurn: query.integer("to_turn", turns) ?? 0,
  });
  const isPatch = /\btext\/(x-diff|x-patch|plain)\b/.test(request.headers.get("accept") ?? "");
  return isPatch ? patchOf(present(diff, "diff")) : Response.json(toJson(DiffSchema, present(diff, "diff")));
}

/** The diff as one patch, as far as it can be told as one; a header counts the files that are not wholly in it. */
function patchOf({ files, omittedFiles }: Diff): Response {
  const missing = omittedFiles + files.filter(({ binary, truncated }) => binary || truncated).length;
  return new Response(new Blob(files.map(({ patch }) => patch.slice())), {
    headers: { "content-type": "text/x-diff; charset=utf-8", "x-incomplete-files": String(missing) },
  });
}

async function pushBranch({ request, jobs, id }: RestCall): Promise<Response> {
  const fields = new Fields(await readJsonObject(request));
  const branch = parseBranch(fields);
  fields.refuseOthers();
  const { publication } = await jobs.pushBranch({ id, branch });
  return Response.json(toJson(PublicationSchema, present(publication, "publication")));
}

async function openPullRequest({ request, jobs, id }: RestCall): Promise<Response> {
  const fields = new Fields(await readOptionalJsonObject(request));
  const pullRequest = parsePullRequest(fields);
  fields.refuseOthers();
  const { publication } = await jobs.openPullRequest({ id, pullRequest });
  return Response.json(toJson(PublicationSchema, present(publication, "publication")));
}
