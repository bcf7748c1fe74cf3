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
  const wanted = states.length === 0 ? [AskState.OPEN] : states;
  const after = pageToken === "" ? { createdMs: -1, id: "" } : parsePageToken(pageToken, "ask");
  const limit = pageSize === 0 ? 50 : pageSize;
  const rows = sql.exec<{ ask: ArrayBuffer }>(
    `SELECT ask FROM asks WHERE state IN (SELECT value FROM json_each(?)) AND (created_ms, id) > (?, ?)
     ORDER BY created_ms, id LIMIT ?`,
    JSON.stringify(wanted),
    after.createdMs,
    after.id,
    limit + 1,
  );
  const asks: Ask[] = [];
  let bytes = 0;
  for (const { ask } of rows) {
    const last = asks.at(-1);
    bytes += ask.byteLength;
    if (last !== undefined && (asks.length === limit || bytes > maxPageBytes)) {
      return { asks, nextPageToken: pageTokenAfter(last) };
    }
    asks.push(fromBinary(AskSchema, new Uint8Array(ask)));
  }
  return { asks, nextPageToken: "" };
}
