import { invalid } from "./answers.ts";

const unknownId = "job_0000000000000000";

/** Paths to GET, and how each is refused; {job} stands for the path of a finished job. */
export const reads: readonly (readonly [path: string, answer: string])[] = [
  ...[
    "nonsense",
    "job_ABCDEFGHIJKLMNOP",
    `${unknownId}0`,
    "..%2f..%2fetc",
    "job_%00",
    `${unknownId}%0a`,
    "__proto__",
  ].flatMap((id) => ["", "/events", "/logs"].map((part) => [`/api/jobs/${id}${part}`, invalid("id")] as const)),
  ...["", "/events", "/logs"].map(
    (part) => [`/api/jobs/${unknownId}${part}`, "404 not_found job_not_found id"] as const,
  ),
  ...["-1", "x", "1e3", "4294967296", "6-x"].map((after) => [`{job}/events?after=${after}`, invalid("after")] as const),
  ["{job}/events?after=4294967295", "400 out_of_range cursor_expired after"],
  ...["0", "201", "x", "1e2", "-1"].map((limit) => [`/api/jobs?limit=${limit}`, invalid("limit")] as const),
  ["/api/jobs?page_token=x", "400 invalid_argument cursor_expired page_token"],
  [`/api/jobs?page_token=${"9".repeat(200)}`, invalid("page_token")],
  ["/api/jobs?status=done", invalid("status")],
  ["/api/jobs?created_after=yesterday", invalid("created_after")],
  ["/api/jobs?nosuch=1", invalid("nosuch")],
  ["{job}?wait=2h", invalid("wait")],
  ["{job}/logs?tail=0", invalid("tail")],
  ["{job}/logs?from_line=0", invalid("from_line")],
  ["{job}/logs?from_line=2&to_line=1", invalid("to_line")],
  ["{job}/logs?stream=stdin", invalid("stream")],
];
