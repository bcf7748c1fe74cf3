/** Pages of asks out of a table that has the columns id, created_ms, state and ask. */
import { fromBinary } from "@bufbuild/protobuf";
import { type Ask, AskSchema, AskState } from "#gen/job/v1/ask_pb.js";
import type { ListAsksRequest } from "#gen/job/v1/job_service_pb.js";
import { pageTokenAfter, parsePageToken } from "./page-token.ts";

/** The part of a Durable Object's SQL that asks need. */
export interface AskSql {
  exec<Row extends Record<string, SqlStorageValue>>(
    query: string,
    ...values: (string | number | Uint8Array)[]
  ): Iterable<Row> & { toArray(): Row[] };
}

/** What a page shall hold. */
export type AskPageWish = Pick<ListAsksRequest, "states" | "pageSize" | "pageToken">;

/** One page, the oldest ask first. */
export interface AskPage {
  readonly asks: Ask[];
  /** Empty when it is the last one. */
  readonly nextPageToken: string;
}

/** Whole inputs are in it: it ends at this size too. */
const maxPageBytes = 4 * 1024 * 1024;

/** Reads one page; its token must be one of ours. */
export function askPage(sql: AskSql, { states, pageSize, pageToken }: AskPageWish): AskPage {
  const wanted = JSON.stringify(states.length === 0 ? [AskState.OPEN] : states);
  const after = pageToken === "" ? { createdMs: -1, id: "" } : parsePageToken(pageToken, "ask");
  const limit = pageSize === 0 ? 50 : pageSize;
  const read = <Row extends Record<string, SqlStorageValue>>(columns: string, count: number) =>
    sql
      .exec<Row>(
        `SELECT ${columns} FROM asks WHERE state IN (SELECT value FROM json_each(?)) AND (created_ms, id) > (?, ?)
         ORDER BY created_ms, id LIMIT ?`,
        wanted,
        after.createdMs,
        after.id,
        count,
      )
      .toArray();
  const sizes = read<{ bytes: number }>("length(ask) AS bytes", limit + 1).map(({ bytes }) => bytes);
  const count = countThatFits(sizes.slice(0, limit));
  const asks = read<{ ask: ArrayBuffer }>("ask", count).map(({ ask }) => fromBinary(AskSchema, new Uint8Array(ask)));
  const last = asks.at(-1);
  return { asks, nextPageToken: last === undefined || count === sizes.length ? "" : pageTokenAfter(last) };
}

/** How many of these fit on a page; the first always does. */
function countThatFits(sizes: readonly number[]): number {
  let bytes = 0;
  const tooMuch = sizes.findIndex((size) => {
    bytes += size;
    return bytes > maxPageBytes;
  });
  return tooMuch === -1 ? sizes.length : Math.max(1, tooMuch);
}
