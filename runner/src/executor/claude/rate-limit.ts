import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { AgentAction } from "../agent-event.ts";
import type { JsonObject } from "../json-object.ts";

/** A request that failed and is tried again. A connection that broke has no HTTP status. */
export function retry(line: JsonObject, nowMs: number): readonly AgentAction[] {
  const value = {
    until: timestampFromMs(nowMs + line.count("retry_delay_ms")),
    kind: line.text("error"),
    attempt: line.count("attempt"),
    httpStatus: line.count("error_status"),
  };
  return [{ case: "rateLimit", value }];
}

/** What the provider says about the subscription's limits; nothing while they are far. */
export function limitNotice(info: JsonObject): readonly AgentAction[] {
  const status = info.text("status");
  if (status === "allowed") return [];
  const resetsAtSeconds = info.count("resetsAt");
  const value = {
    ...(resetsAtSeconds === 0 ? {} : { until: timestampFromMs(resetsAtSeconds * 1000) }),
    kind: info.text("rateLimitType"),
    httpStatus: status === "rejected" ? 429 : 0,
  };
  return [{ case: "rateLimit", value }];
}
