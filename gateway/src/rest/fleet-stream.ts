import { Code, ConnectError } from "@connectrpc/connect";
import type { WatchJobsResponse } from "#gen/job/v1/job_service_pb.js";
import { parseCursor } from "./cursor.ts";
import { acceptedFormat, streamResponse } from "./event-stream.ts";
import type { StreamEvent } from "./events.ts";
import { jobToJson } from "./job-json.ts";
import { timeToJson } from "./json.ts";
import { problemToJson } from "./problem-json.ts";
import { Query } from "./query.ts";
import type { RestCall, Route } from "./route.ts";

/** The route that streams what changes in any job; ids are revisions of the list. */
export const allJobsStreamRoute: Route = { method: "GET", path: "/api/events", handle: streamAllJobs };

async function streamAllJobs({ request, url, jobs, caller, requestId }: RestCall): Promise<Response> {
  new Query(url.searchParams, ["after"]);
  const stop = new AbortController();
  const signal = AbortSignal.any([request.signal, stop.signal]);
  const watch = jobs.watchJobs({ afterRevision: parseCursor(request).sequence }, { signal });
  const messages = watch[Symbol.asyncIterator]();
  const first = await messages.next();
  async function* translated(): AsyncIterable<readonly StreamEvent[]> {
    try {
      for (let next = first; next.done !== true; next = await messages.next())
        yield translate(next.value, caller.origin);
    } catch (error) {
      if (signal.aborted) return;
      yield [{ name: "problem", data: problemToJson(ConnectError.from(error, Code.Unavailable), requestId) }];
    }
  }
  return streamResponse(translated(), { format: acceptedFormat(request), stop: () => stop.abort() });
}

function translate({ message, revision }: WatchJobsResponse, origin: string): readonly StreamEvent[] {
  const id = String(revision);
  switch (message.case) {
    case "job":
      return [{ name: "job", id, data: jobToJson(message.value, origin) }];
    case "deletedId":
      return [{ name: "job_deleted", id, data: { id: message.value } }];
    case "heartbeat":
      return [{ name: "heartbeat", data: { ts: timeToJson(message.value.time), revision } }];
    case undefined:
      return [];
  }
}
