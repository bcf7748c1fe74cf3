import { LogStream, LogStreamSchema } from "#gen/job/v1/job_event_pb.js";
import { lineToJson } from "./events.ts";
import { invalidField } from "./fields.ts";
import { enumToJson, timeToJson } from "./json.ts";
import { gapAsText, type LogWish, readFollowed, readStored, readWhole, type ShownLine } from "./log-source.ts";
import { enumFromText, Query } from "./query.ts";
import { present, type RestCall, type Route } from "./route.ts";
import { streamedBody } from "./streamed-body.ts";

/**
 * The route of a job's output as text, or as NDJSON. Without any wish but `stream` and `follow` it gives the bytes as the
 * job wrote them; with one of the others it goes line by line. Output that was not kept is told by a line of its own, unless
 * the exact bytes of one stream are asked for.
 */
export const logRoute: Route = { method: "GET", path: "/api/jobs/:id/logs", handle: readLog };

const parameters = ["from_line", "to_line", "tail", "stream", "timestamps", "ansi", "grep", "follow"];

async function readLog(call: RestCall): Promise<Response> {
  const query = new Query(call.url.searchParams, parameters);
  const wish = parseWish(query);
  const job = present((await call.jobs.getJob({ id: call.id })).job, "job");
  const stop = new AbortController();
  const source = { jobs: call.jobs, id: call.id, signal: AbortSignal.any([call.request.signal, stop.signal]) };
  const isJson = call.request.headers.get("accept")?.includes("application/x-ndjson") ?? false;
  const style = { timestamps: query.flag("timestamps") ?? false, ansi: query.flag("ansi") ?? true };
  const byLine = isJson || style.timestamps || !style.ansi || wish.isPartial;
  const lines = () => (wish.follow ? readFollowed(source, wish) : readStored(source, wish));
  const format = (line: ShownLine) => (isJson ? lineAsJson(line) : lineAsText(line, style));
  const pieces = byLine ? formatAll(lines(), format) : readWhole(source, wish);
  return new Response(
    streamedBody(pieces, () => stop.abort()),
    {
      headers: {
        "content-type": isJson ? "application/x-ndjson; charset=utf-8" : "text/plain; charset=utf-8",
        "x-total-lines": String(job.log?.lines ?? 0),
        ...(wish.follow ? { "cache-control": "no-cache, no-transform", "x-accel-buffering": "no" } : {}),
      },
    },
  );
}

function parseWish(query: Query): LogWish & { readonly isPartial: boolean } {
  const bounds = { min: 1, max: 0xffffffff };
  const fromLine = query.integer("from_line", bounds) ?? 0;
  const toLine = query.integer("to_line", bounds) ?? 0;
  const tail = query.integer("tail", bounds) ?? 0;
  const grep = query.text("grep");
  const stream = query.text("stream");
  if (toLine !== 0 && toLine < fromLine) throw invalidField("to_line", "must not be below from_line");
  return {
    fromLine,
    toLine,
    tail,
    grep,
    stream:
      stream === "" || stream === "both" ? LogStream.UNSPECIFIED : enumFromText("stream", LogStreamSchema, stream),
    follow: query.flag("follow") ?? false,
    isPartial: fromLine > 0 || toLine > 0 || tail > 0 || grep !== "",
  };
}

async function* formatAll(lines: AsyncIterable<readonly ShownLine[]>, format: (line: ShownLine) => Uint8Array) {
  for await (const some of lines) yield concat(some.map(format));
}

function lineAsJson(shown: ShownLine): Uint8Array {
  const data =
    shown.kind === "line"
      ? lineToJson(shown)
      : { gap: { stream: enumToJson(LogStreamSchema, shown.stream), bytes: shown.bytes, lines: shown.lines } };
  return encoder.encode(`${JSON.stringify(data)}\n`);
}

function lineAsText(shown: ShownLine, style: { timestamps: boolean; ansi: boolean }): Uint8Array {
  if (shown.kind === "gap") return gapAsText(shown);
  const time = style.timestamps ? encoder.encode(`${timeToJson(shown.time) ?? ""} `) : new Uint8Array(0);
  const text = style.ansi ? shown.bytes : withoutAnsi(shown.bytes);
  return concat([time, text, encoder.encode("\n")]);
}

const encoder = new TextEncoder();

/** Escape sequences of terminals: CSI, strings such as OSC, and the short ones. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const escapes = /\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|[ -/]*[0-~])/g;

/** The bytes without escape sequences; all others stay as they are, valid UTF-8 or not. */
export function withoutAnsi(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(0x1b)) return bytes;
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return Uint8Array.from(text.replace(escapes, ""), (character) => character.charCodeAt(0));
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
