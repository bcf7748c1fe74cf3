import { createRouterTransport } from "@connectrpc/connect";
import { expect, test } from "vitest";
import type { ListJobsRequest } from "#gen/job/v1/job_service_pb.js";
import { JobService } from "#gen/job/v1/job_service_pb.js";
import { createHandClock } from "../connection/hand-clock.ts";
import { createGateway } from "../transport.ts";
import { noFilter } from "./job-filter.ts";
import { createJobSearch } from "./job-search.ts";

test("pages are joined, each job once", async () => {
  const { search, found } = open(({ pageToken }) =>
    pageToken === "" ? { jobs: [{ id: "a" }], nextPageToken: "1" } : { jobs: [{ id: "b" }] },
  );
  search.show(noFilter);
  await found(["a"]);
  search.more();
  await found(["a", "b"]);
  expect(search.found.value.nextPageToken).toBe("");
});

test("an answer that comes after that of a later filter is not shown", async () => {
  const late = Promise.withResolvers<void>();
  const { search, found } = open(async ({ query }) => {
    if (query === "slow") await late.promise;
    return { jobs: [{ id: query }] };
  });
  search.show({ ...noFilter, q: "slow" });
  search.show({ ...noFilter, q: "quick" });
  await found(["quick"]);
  late.resolve();
  search.show({ ...noFilter, q: "last" });
  await found(["last"]);
});

test("a refusal is told, and what was found stays", async () => {
  const { search, found } = open(({ query }) => {
    if (query !== "") throw new Error("no");
    return { jobs: [{ id: "a" }] };
  });
  search.show(noFilter);
  await found(["a"]);
  search.show({ ...noFilter, q: "x" });
  await createHandClock().until(() => search.found.value.failure || undefined);
  expect(search.found.value.jobs?.map(({ id }) => id)).toEqual(["a"]);
});

type Answer = { jobs: { id: string }[]; nextPageToken?: string };

function open(listJobs: (request: ListJobsRequest) => Answer | Promise<Answer>) {
  const transport = createRouterTransport(({ service }) => service(JobService, { listJobs }));
  const search = createJobSearch(createGateway(transport).jobs);
  const found = (ids: readonly string[]) =>
    createHandClock().until(() => {
      const shown = search.found.value.jobs?.map(({ id }) => id);
      return shown?.join() === ids.join() || undefined;
    });
  return { search, found };
}
