import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import { ReadLogRequestSchema } from "#gen/job/v1/job_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { findProblem } from "#protocol/problem.ts";
import { lineFilter } from "./line-filter.ts";

function finds(
  request: MessageInitShape<typeof ReadLogRequestSchema>,
  text: string,
  stream = LogStream.STDOUT,
): boolean {
  const filter = lineFilter(create(ReadLogRequestSchema, request));
  const bytes = new TextEncoder().encode(text);
  return filter({
    kind: "line",
    sequence: 1,
    time: undefined,
    stream,
    number: 1,
    bytes,
    partial: false,
    headless: false,
  });
}

test("text is found in any case unless the case matters", () => {
  expect(finds({ search: "error" }, "An ERROR")).toBe(true);
  expect(finds({ search: "error", matchCase: true }, "An ERROR")).toBe(false);
  expect(finds({ search: "." }, "no dot")).toBe(false);
});

test("expressions match in RE2's syntax, also those that would stall a backtracking engine", () => {
  expect(finds({ search: "^an? e+r", regex: true }, "An ERROR")).toBe(true);
  expect(finds({ search: "(a*)*b", regex: true }, "a".repeat(50_000))).toBe(false);
});

test("a stream is read alone", () => {
  expect(finds({ stream: LogStream.STDERR }, "x")).toBe(false);
  expect(finds({ stream: LogStream.STDERR }, "x", LogStream.STDERR)).toBe(true);
});

test("an expression that does not compile is refused by its field", () => {
  const request = create(ReadLogRequestSchema, { search: "(", regex: true });
  let problem: ReturnType<typeof findProblem>;
  try {
    lineFilter(request);
  } catch (error) {
    problem = findProblem(error as Parameters<typeof findProblem>[0]);
  }
  expect(problem).toMatchObject({ reason: ProblemReason.INVALID_FIELD, field: "search" });
});
