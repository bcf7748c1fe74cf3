import type { MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { type JobEvent, LogStream } from "#gen/job/v1/job_event_pb.js";
import { type Job, type JobSpecSchema, JobState } from "#gen/job/v1/job_pb.js";
import type { TestSystem } from "./start-system.ts";

/** What a test asks of a job besides its command. */
export type SpecInit = Partial<Exclude<MessageInitShape<typeof JobSpecSchema>, { $typeName: string }>>;

/** Creates a job that runs a command line, in a scratch workspace unless the spec names another. */
export async function createTask({ jobs }: TestSystem, command: string, spec: SpecInit = {}): Promise<Job> {
  const work = { case: "task", value: { invocation: { case: "command", value: command } } } as const;
  const { job } = await jobs.createJob({ spec: { repoRef: "test", work, ...spec } });
  if (job === undefined) throw new Error("createJob answered without a job");
  return job;
}

/** The job as it stands. */
export async function readJob({ jobs }: TestSystem, id: string): Promise<Job> {
  const { job } = await jobs.getJob({ id });
  if (job === undefined) throw new Error("getJob answered without a job");
  return job;
}

/** An event with its number. */
export interface NumberedEvent extends JobEvent {
  readonly sequence: number;
}

/** How far a watch goes. */
export interface Watch {
  /** The last event that was seen. */
  readonly after?: number;
  /** Looked at after each batch; the watch ends when it says true. */
  readonly enough?: (events: readonly NumberedEvent[]) => boolean;
}

/**
 * A job's events to its end, as any client can have them: whenever the stream breaks it is opened again after the last
 * event seen. Fails at a hole, a repeat, or when the stream ends well without the job's end.
 */
export async function watchToEnd(
  system: Pick<TestSystem, "jobs">,
  id: string,
  { after = 0, enough = isOver }: Watch = {},
) {
  const events: NumberedEvent[] = [];
  while (!enough(events)) {
    try {
      await watchOnce(system, id, { after, enough, events });
      if (!enough(events)) throw new Error(`the stream of ${id} ended after ${events.length} events, the job did not`);
    } catch (error) {
      if (!isBroken(error)) throw error;
    }
  }
  return events;
}

async function watchOnce(
  { jobs }: Pick<TestSystem, "jobs">,
  id: string,
  { after, enough, events }: Required<Watch> & { readonly events: NumberedEvent[] },
): Promise<void> {
  const stop = new AbortController();
  const cursor = events.at(-1)?.sequence ?? after;
  try {
    for await (const { message } of jobs.watchJob({ id, afterSequence: cursor }, { signal: stop.signal })) {
      if (message.case !== "batch") continue;
      const first = message.value.header?.firstSequence ?? 0;
      const expected = (events.at(-1)?.sequence ?? after) + 1;
      if (first !== expected) throw new Error(`event ${expected} was to come, ${first} came`);
      events.push(...message.value.events.map((event, index) => ({ ...event, sequence: first + index })));
      if (enough(events)) return;
    }
  } finally {
    stop.abort();
  }
}

/** True for what a cut connection and a server that is starting look like to a client. */
function isBroken(error: unknown): boolean {
  const broken: readonly Code[] = [Code.Unavailable, Code.Unknown, Code.Aborted, Code.Internal];
  return error instanceof ConnectError && broken.includes(error.code);
}

/** True once the events include the one that makes the job final. */
export function isOver(events: readonly JobEvent[]): boolean {
  const payload = events.at(-1)?.payload;
  return payload?.case === "stateChanged" && (payload.value.status?.state ?? 0) >= JobState.SUCCEEDED;
}

/** The bytes of one stream in these events, which must follow one another without a hole. */
export function logBytes(events: readonly JobEvent[], stream = LogStream.STDOUT): Buffer {
  const chunks = events.flatMap(({ payload }) =>
    payload.case === "log" && payload.value.stream === stream ? [payload.value] : [],
  );
  let offset = chunks[0]?.offset ?? 0n;
  for (const chunk of chunks) {
    if (chunk.offset !== offset) throw new Error(`byte ${offset} was to come, ${chunk.offset} came`);
    offset += BigInt(chunk.data.length);
  }
  return Buffer.concat(chunks.map(({ data }) => data));
}

/** logBytes as text. */
export function logText(events: readonly JobEvent[], stream = LogStream.STDOUT): string {
  return logBytes(events, stream).toString();
}

/** What happened, as words: the cases of payloads, and inside those of processes, workspaces and agents theirs. */
export function story(events: readonly JobEvent[]): string[] {
  return events.map(({ payload }) => {
    switch (payload.case) {
      case "process":
      case "workspace":
      case "agent":
        return `${payload.value.event.case}`;
      case "stateChanged":
        return JobState[payload.value.status?.state ?? 0] ?? "";
      default:
        return `${payload.case}`;
    }
  });
}
