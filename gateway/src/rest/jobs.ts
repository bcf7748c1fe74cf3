import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { JobStateSchema } from "#gen/job/v1/job_pb.js";
import { readJsonObject, readOptionalJsonObject } from "./body.ts";
import { parseCreateJob } from "./create-job.ts";
import { Fields, invalidField } from "./fields.ts";
import { jobToJson } from "./job-json.ts";
import { linkToNext, Query } from "./query.ts";
import { idempotencyKey, present, type RestCall, type Route } from "./route.ts";

/** The routes that create, show, stop and delete jobs. */
export const jobRoutes: readonly Route[] = [
  { method: "POST", path: "/api/jobs", handle: createJob },
  { method: "GET", path: "/api/jobs", handle: listJobs },
  { method: "GET", path: "/api/jobs/:id", handle: getJob },
  { method: "DELETE", path: "/api/jobs/:id", handle: deleteJob },
  { method: "POST", path: "/api/jobs/:id/cancel", handle: cancelJob },
  { method: "POST", path: "/api/jobs/:id/retry", handle: retryJob },
];

async function createJob({ request, jobs, caller }: RestCall): Promise<Response> {
  const body = await readJsonObject(request);
  const { job, replayed } = await jobs.createJob(parseCreateJob(body, idempotencyKey(request)));
  return created(jobToJson(present(job, "job"), caller.origin), replayed);
}

const listParameters = [
  ...["limit", "page_size", "page_token", "status", "type", "runner"],
  ...["label", "q", "created_after", "created_before"],
];

async function listJobs({ url, jobs, caller }: RestCall): Promise<Response> {
  const query = new Query(url.searchParams, listParameters);
  const bounds = { min: 1, max: 200 };
  const createdAfter = query.time("created_after");
  const createdBefore = query.time("created_before");
  const page = await jobs.listJobs({
    pageSize: query.integer("limit", bounds) ?? query.integer("page_size", bounds) ?? 0,
    pageToken: query.text("page_token"),
    states: query.enums("status", JobStateSchema),
    type: query.text("type"),
    runner: query.text("runner"),
    labels: query.texts("label"),
    query: query.text("q"),
    ...(createdAfter && { createdAfter }),
    ...(createdBefore && { createdBefore }),
  });
  return Response.json(
    {
      jobs: page.jobs.map((job) => jobToJson(job, caller.origin)),
      next_page_token: page.nextPageToken || null,
      revision: page.revision,
    },
    { headers: linkToNext(url, page.nextPageToken) },
  );
}

async function getJob({ url, request, jobs, caller, id }: RestCall): Promise<Response> {
  const query = new Query(url.searchParams, ["wait"]);
  const waitMs = query.durationMs("wait", { maxMs: 60_000 });
  const known = knownRevision(request);
  const now = present((await jobs.getJob({ id })).job, "job");
  const isNews = known !== undefined && known !== now.revision;
  const job =
    waitMs === undefined || isNews
      ? now
      : present(
          (
            await jobs.getJob(
              { id, knownRevision: now.revision, wait: durationFromMs(waitMs) },
              { signal: request.signal },
            )
          ).job,
          "job",
        );
  const headers = { etag: `W/"${job.revision}"` };
  if (known === job.revision) return new Response(null, { status: 304, headers });
  return Response.json(jobToJson(job, caller.origin), { headers });
}

async function deleteJob({ jobs, id }: RestCall): Promise<Response> {
  await jobs.deleteJob({ id });
  return new Response(null, { status: 204 });
}

async function cancelJob({ request, jobs, caller, id }: RestCall): Promise<Response> {
  await refuseFields(request);
  const { job } = await jobs.cancelJob({ id, idempotencyKey: idempotencyKey(request) });
  return Response.json(jobToJson(present(job, "job"), caller.origin), { status: 202 });
}

async function retryJob({ request, jobs, caller, id }: RestCall): Promise<Response> {
  await refuseFields(request);
  const { job, replayed } = await jobs.retryJob({ id, idempotencyKey: idempotencyKey(request) });
  return created(jobToJson(present(job, "job"), caller.origin), replayed);
}

function created(job: ReturnType<typeof jobToJson>, replayed: boolean): Response {
  const headers = new Headers({ location: `/api/jobs/${String(job.id)}` });
  if (replayed) headers.set("idempotent-replayed", "true");
  return Response.json(job, { status: 201, headers });
}

async function refuseFields(request: Request): Promise<void> {
  new Fields(await readOptionalJsonObject(request)).refuseOthers();
}

function knownRevision({ headers }: Request): number | undefined {
  const tag = headers.get("if-none-match");
  if (tag === null) return undefined;
  const [, revision] = /^(?:W\/)?"([0-9]{1,10})"$/.exec(tag.trim()) ?? [];
  if (revision === undefined) throw invalidField("If-None-Match", "must be an ETag of this gateway");
  return Number(revision);
}
