/** The entry of the Worker, and the one place where its parts are put together. */
import { Code, ConnectError } from "@connectrpc/connect";
import { accessKeys } from "./auth/access.ts";
import { type Env, parseSettings } from "./env.ts";
import { createFleetService } from "./fleet/fleet-service.ts";
import { createGateway } from "./gateway.ts";
import { forwardStream } from "./job/forward-stream.ts";
import { createJobService } from "./job/job-service.ts";
import { problemResponse } from "./rest/problem-json.ts";
import { createRpc, type ReportError } from "./rpc.ts";

// biome-ignore lint/performance/noBarrelFile: the runtime finds the classes of Durable Objects among the entry's exports
export { AttachmentObject } from "./attachment/attachment-object.ts";
export { FleetObject } from "./fleet/fleet-object.ts";
export { JobObject } from "./job/job-object.ts";

export default {
  async fetch(request, env) {
    const answer = gateways.get(env) ?? openGateway(env);
    gateways.set(env, answer);
    return await (await answer)(request);
  },
} satisfies ExportedHandler<Env>;

type Answer = (request: Request) => Promise<Response>;

/** One gateway an isolate. */
const gateways = new WeakMap<Env, Promise<Answer>>();

const report: ReportError = (error, context) => {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  // biome-ignore lint/suspicious/noConsole: the console is where Workers Logs reads, one object a line
  console.error({ level: "error", ...context, error: text });
};

async function openGateway(env: Env): Promise<Answer> {
  try {
    const settings = await parseSettings(env);
    const { access } = settings;
    return createGateway({
      border: settings,
      credentials: {
        apiKeys: settings.apiKeys,
        access: access && { ...access, keys: accessKeys(access) },
        localDev: settings.localDev,
        now: Date.now,
      },
      rpc: createRpc({ job: createJobService(env), fleet: createFleetService(env) }, report),
      shortcut: (request) => forwardStream(request, env),
      pages: async (request) => (await env.ASSETS?.fetch(request)) ?? new Response("no pages here", { status: 404 }),
      report,
      newRequestId: () => crypto.randomUUID(),
    });
  } catch (error) {
    report(error, { procedure: "parseSettings", requestId: "" });
    const refusal = new ConnectError("the gateway is misconfigured; its log says how", Code.Unavailable);
    return async () => problemResponse(refusal, crypto.randomUUID());
  }
}
