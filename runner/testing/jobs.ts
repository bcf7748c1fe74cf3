import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import { type AttemptEnded, type JobEvent, LogStream } from "#gen/job/v1/job_event_pb.js";
import type { JobSpecSchema } from "#gen/job/v1/job_pb.js";
import { type RunnerService, type StartJobRequest, StartJobRequestSchema } from "#gen/runner/v1/runner_service_pb.js";
import { randomId } from "#protocol/id.ts";

/** A request that starts attempt 1 of a new job in a scratch workspace. */
export function startRequest(
  command: string,
  spec: Partial<Exclude<MessageInitShape<typeof JobSpecSchema>, { $typeName: string }>> = {},
): StartJobRequest {
  return create(StartJobRequestSchema, {
    jobId: randomId("job"),
    attempt: 1,
    firstSequence: 3,
    runnerName: "vm-1",
    spec: {
      repoRef: "test",
      work: { case: "task", value: { invocation: { case: "command", value: command } } },
      ...spec,
    },
  });
}

/** A numbered event. */
export type NumberedEvent = JobEvent & { readonly sequence: number };

/** Follows an attempt from an event on, to its end or until `enough` says so; fails on a hole or repeat. */
export async function followJob(
  client: Client<typeof RunnerService>,
  { jobId, attempt, firstSequence }: StartJobRequest,
  { after = 0, enough = () => false }: { after?: number; enough?: (events: readonly NumberedEvent[]) => boolean } = {},
): Promise<NumberedEvent[]> {
  const stop = new AbortController();
  const events: NumberedEvent[] = [];
  let next = Math.max(after + 1, firstSequence);
  const stream = client.streamEvents({ jobId, attempt, afterSequence: after }, { signal: stop.signal });
  try {
    for await (const { message } of stream) {
      if (message.case !== "batch") continue;
      const first = message.value.header?.firstSequence ?? 0;
      for (const [index, event] of message.value.events.entries()) {
        if (first + index < next) continue;
        if (first + index > next) throw new Error(`event ${next} is missing, ${first + index} came`);
        events.push({ ...event, sequence: next });
        next += 1;
      }
      if (enough(events)) return events;
    }
    return events;
  } finally {
    stop.abort();
  }
}

/** What one stream's chunks say. */
export function logText(events: readonly JobEvent[], stream = LogStream.STDOUT): string {
  const chunks = events.flatMap(({ payload }) =>
    payload.case === "log" && payload.value.stream === stream ? [payload.value.data] : [],
  );
  return Buffer.concat(chunks).toString();
}

/** The AttemptEnded at the end of an attempt. */
export function endOf(events: readonly JobEvent[]): AttemptEnded {
  const payload = events.at(-1)?.payload;
  if (payload?.case !== "attemptEnded") throw new Error(`the last event is ${payload?.case}`);
  return payload.value;
}

/** What happened, as words: the cases of payloads, and below them of process and workspace events. */
export function story(events: readonly JobEvent[]): string[] {
  return events.map(({ payload }) =>
    payload.case === "process" || payload.case === "workspace" ? `${payload.value.event.case}` : `${payload.case}`,
  );
}
