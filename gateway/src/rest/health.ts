import { durationMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { timeToJson } from "./json.ts";
import type { RestCall, Route } from "./route.ts";

/** Paths that answer without credentials. */
export const openPaths: readonly string[] = ["/api/health", "/api/health/runner"];

/** The routes that tell whether things work. */
export const healthRoutes: readonly Route[] = [
  { method: "GET", path: "/api/health", handle: async () => Response.json({ status: "ok" }) },
  { method: "GET", path: "/api/health/runner", handle: checkRunner },
];

/** Calls the first runner. Who called without credentials learns only whether it answers, and how fast. */
async function checkRunner({ fleet, isAnonymous }: RestCall): Promise<Response> {
  try {
    const { runner } = await fleet.checkRunner({});
    const latency = runner?.latency;
    return Response.json({
      runner: "connected",
      latency_ms: latency === undefined ? null : Math.round(durationMs(latency)),
      ...(isAnonymous ? {} : { name: runner?.name ?? null, version: runner?.info?.version ?? null }),
    });
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    if (!downCodes.includes(code)) throw error;
    const more = isAnonymous ? {} : { reason: rawMessage, last_seen: await lastSeen(fleet) };
    return Response.json(
      { runner: "disconnected", latency_ms: null, ...more },
      { status: 503, headers: { "retry-after": "5" } },
    );
  }
}

/** What the fleet answers when there is no runner, it does not answer, or it refuses the gateway. */
const downCodes: readonly Code[] = [
  Code.NotFound,
  Code.FailedPrecondition,
  Code.Unavailable,
  Code.DeadlineExceeded,
  Code.Unauthenticated,
];

async function lastSeen(fleet: RestCall["fleet"]): Promise<string | null> {
  const { runners } = await fleet.listRunners({});
  const first = runners.find(({ configured }) => configured) ?? runners[0];
  return timeToJson(first?.lastSeenTime);
}
