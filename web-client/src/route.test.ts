import { expect, test } from "vitest";
import { parseJobFilter } from "./jobs/job-filter.ts";
import { parseRoute } from "./route.ts";

const id = "job_0123456789abcdef";

test.each([
  ["/", { kind: "fleet" }],
  ["/jobs/", { kind: "jobs", filter: parseJobFilter(new URLSearchParams()) }],
  [`/jobs/${id}`, { kind: "job", id, view: undefined, askId: undefined }],
  [`/jobs/${id}/`, { kind: "job", id, view: undefined, askId: undefined }],
  [`/jobs/${id}/log`, { kind: "job", id, view: "log", askId: undefined }],
  [`/jobs/${id}/details`, { kind: "job", id, view: "details", askId: undefined }],
  [`/jobs/${id}/elsewhere`, { kind: "unknown", path: `/jobs/${id}/elsewhere` }],
  [`/jobs/${id}?ask=ask_1`, { kind: "job", id, view: undefined, askId: "ask_1" }],
  ["/usage", { kind: "usage" }],
  ["/rules", { kind: "rules" }],
  ["/settings", { kind: "settings" }],
  ["/setup", { kind: "setup" }],
  ["/runners", { kind: "runners" }],
  ["/runners/vm-1", { kind: "runner", name: "vm-1" }],
  ["/runners/VM 1", { kind: "unknown", path: "/runners/VM%201" }],
  ["/jobs/job_short", { kind: "unknown", path: "/jobs/job_short" }],
  ["/elsewhere", { kind: "unknown", path: "/elsewhere" }],
])("%s", (path, route) => {
  expect(parseRoute(new URL(path, "http://localhost"))).toEqual(route);
});

test("/new carries its prefill", () => {
  const route = parseRoute(new URL("/new?type=task&command=echo%20hi", "http://localhost"));
  expect(route.kind === "new" && route.prefill.get("command")).toBe("echo hi");
});
