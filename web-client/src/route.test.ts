import { expect, test } from "vitest";
import { parseRoute } from "./route.ts";

const id = "job_0123456789abcdef";

test.each([
  ["/", { kind: "home" }],
  ["/jobs", { kind: "home" }],
  [`/jobs/${id}`, { kind: "job", id, view: undefined }],
  [`/jobs/${id}/`, { kind: "job", id, view: undefined }],
  [`/jobs/${id}/log`, { kind: "job", id, view: "log" }],
  ["/jobs/job_short", { kind: "unknown", path: "/jobs/job_short" }],
  ["/elsewhere", { kind: "unknown", path: "/elsewhere" }],
])("%s", (path, route) => {
  expect(parseRoute(new URL(path, "http://localhost"))).toEqual(route);
});

test("/new carries its prefill", () => {
  const route = parseRoute(new URL("/new?type=task&command=echo%20hi", "http://localhost"));
  expect(route.kind === "new" && route.prefill.get("command")).toBe("echo hi");
});
