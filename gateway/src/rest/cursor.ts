import { invalidField } from "./fields.ts";

/**
 * A place in a job's stream: event `sequence`, all of it, or only its first so many parts when `parts` is not 0. An event
 * of output is sent in several parts when it completes several lines.
 */
export interface StreamCursor {
  readonly sequence: number;
  readonly parts: number;
}

/** Reads where a reader stands, from the header Last-Event-ID or the parameter `after`: "17", or "17-3" inside event 17. */
export function parseCursor(request: Request): StreamCursor {
  const after = new URL(request.url).searchParams.get("after");
  const lastEventId = request.headers.get("last-event-id");
  const [text, name] = lastEventId ? [lastEventId, "Last-Event-ID"] : [after ?? "0", "after"];
  const [, sequence = "", parts = "0"] = /^([0-9]{1,10})(?:-([0-9]{1,7}))?$/.exec(text) ?? [];
  const isNumber = sequence !== "" && Number(sequence) <= 0xffffffff;
  if (!isNumber) throw invalidField(name, "must be an id of this stream, such as 17");
  return { sequence: Number(sequence), parts: Number(sequence) === 0 ? 0 : Number(parts) };
}

/** The id of part `part` of `count` of an event; the last part stands for the whole event. */
export function partId(sequence: number, part: number, count: number): string {
  return part === count ? String(sequence) : `${sequence}-${part}`;
}
