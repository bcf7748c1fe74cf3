import { expect } from "vitest";
import type { TestSystem } from "./start-system.ts";

/** A job as the REST routes show it, as far as tests look at it. */
export interface RestJob {
  readonly id: string;
  readonly status: string;
  readonly reason: string | null;
  readonly exit_code: number | null;
  readonly signal: string | null;
  readonly message: string | null;
  readonly command: string | null;
  readonly retry_of: string | null;
  readonly last_seq: number;
}

/** One event of a text/event-stream. */
export interface SseEvent {
  readonly id: string | undefined;
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

type Headers = Readonly<Record<string, string>>;

/** GET of a path at the gateway. */
export function get({ gatewayUrl }: TestSystem, path: string, headers: Headers = {}): Promise<Response> {
  return fetch(gatewayUrl + path, { headers });
}

/** POST of a JSON body, or of none, at a path of the gateway. */
export function post({ gatewayUrl }: TestSystem, path: string, body?: object, headers: Headers = {}) {
  const content = body === undefined ? {} : { "content-type": "application/json" };
  return fetch(gatewayUrl + path, {
    method: "POST",
    headers: { ...content, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** Creates a task as `POST /api/jobs` does it, in a scratch workspace unless the fields name another. */
export async function postTask(system: TestSystem, fields: object): Promise<RestJob> {
  const response = await post(system, "/api/jobs", { type: "task", repo_ref: "test", ...fields });
  expect(response.status).toBe(201);
  return (await response.json()) as RestJob;
}

/** The job as it stands. */
export async function getJob(system: TestSystem, id: string): Promise<RestJob> {
  return (await (await get(system, `/api/jobs/${id}`)).json()) as RestJob;
}

/** The job once it is final, which its event stream tells. */
export async function finished(system: TestSystem, id: string): Promise<RestJob> {
  await readSse(system, `/api/jobs/${id}/events`);
  return await getJob(system, id);
}

/** The events of a stream, to its end or until one is enough. */
export async function readSse(
  system: TestSystem,
  path: string,
  { headers = {}, isEnough = () => false }: { headers?: Headers; isEnough?: (event: SseEvent) => boolean } = {},
): Promise<SseEvent[]> {
  const response = await get(system, path, { accept: "text/event-stream", ...headers });
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  const events: SseEvent[] = [];
  let rest = "";
  for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event !== undefined) events.push(event);
      if (event !== undefined && isEnough(event)) return events;
    }
  }
  return events;
}

function parseEvent(block: string): SseEvent | undefined {
  const fields = new Map(block.split("\n").map((line) => [line.split(": ", 1)[0], line.replace(/^[a-z]+: /, "")]));
  const data = fields.get("data");
  if (data === undefined) return undefined;
  return { id: fields.get("id"), event: fields.get("event") ?? "message", data: JSON.parse(data) };
}

/** The messages of the lines of output among some events. */
export function messagesOf(events: readonly SseEvent[]): unknown[] {
  return events.flatMap(({ event, data }) => (event === "log" ? [data.message] : []));
}
