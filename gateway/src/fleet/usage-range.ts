/** Which days a question about usage is about. Pure. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import type { GetUsageRequest } from "#gen/fleet/v1/fleet_service_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";

/** Days from and to, both included, as YYYY-MM-DD. */
export interface DayRange {
  readonly since: string;
  readonly until: string;
}

const dayMs = 24 * 3_600_000;
const defaultDays = 30;
const maxDays = 400;

/** The UTC day of a time. */
export function utcDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** The days that a request asks for; throws when they are in no order or too many. */
export function usageRange({ since, until }: Pick<GetUsageRequest, "since" | "until">, nowMs: number): DayRange {
  const untilMs = until === undefined ? nowMs : timestampMs(until);
  const sinceMs = since === undefined ? nowMs - defaultDays * dayMs : timestampMs(since);
  const range = { since: utcDay(sinceMs), until: utcDay(untilMs) };
  const days = (Date.parse(range.until) - Date.parse(range.since)) / dayMs;
  if (days < 0) throw wrongUntil(`until (${range.until}) must not be before since (${range.since})`);
  if (days > maxDays) throw wrongUntil(`until (${range.until}) must be at most ${maxDays} days after ${range.since}`);
  return range;
}

function wrongUntil(message: string) {
  return problemError({
    code: Code.InvalidArgument,
    reason: ProblemReason.INVALID_FIELD,
    field: "until",
    message,
    action: "Ask for fewer days, or for several ranges one after the other.",
  });
}
