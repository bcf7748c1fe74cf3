import { createGateway, type GatewayParts } from "./gateway.ts";
import { createRpc, type Services } from "./rpc.ts";

/** Sends a request to a gateway; a path is meant on its own host. */
export type Send = (url: string | URL, init?: RequestInit) => Promise<Response>;

/** For tests: a gateway open to loopback, on services in memory. */
export function openLocalGateway(services: Partial<Services>, parts: Partial<GatewayParts> = {}): Send {
  const report = parts.report ?? (() => {});
  const answer = createGateway({
    border: { localDev: true, allowedHosts: [], allowedOrigins: [] },
    credentials: { localDev: true, apiKeys: [], access: undefined, now: Date.now },
    rpc: createRpc({ job: {}, fleet: {}, ...services }, report),
    shortcut: async () => undefined,
    pages: async () => new Response("<!doctype html>"),
    report,
    newRequestId: () => "req-1",
    ...parts,
  });
  return async (url, init) => await answer(new Request(new URL(url, "http://localhost"), init));
}
