import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { ActorKind, ActorSchema } from "#gen/job/v1/job_pb.js";
import type { Caller } from "../auth/caller.ts";
import { isUnauthenticated } from "../auth/identify.ts";
import type { Admission, ReportError, Rpc } from "../rpc.ts";
import { agentRoutes } from "./agent.ts";
import { allowedHostRoute } from "./allowed-hosts.ts";
import { artifactRoutes } from "./artifacts.ts";
import { attachmentRoute } from "./attachments.ts";
import { fleetRoutes } from "./fleet.ts";
import { allJobsStreamRoute } from "./fleet-stream.ts";
import { healthRoutes, openPaths } from "./health.ts";
import { jobStreamRoute } from "./job-stream.ts";
import { jobRoutes } from "./jobs.ts";
import { logRoute } from "./logs.ts";
import { problemResponse, problemToJson } from "./problem-json.ts";
import { matchRoute, type Route } from "./route.ts";
import { usageRoute } from "./usage.ts";
import { workRoutes } from "./work.ts";

const routes: readonly Route[] = [
  ...jobRoutes,
  logRoute,
  jobStreamRoute,
  allJobsStreamRoute,
  ...healthRoutes,
  ...fleetRoutes,
  usageRoute,
  attachmentRoute,
  ...artifactRoutes,
  allowedHostRoute,
  ...workRoutes,
  ...agentRoutes,
];

/** What the REST routes stand on. */
export interface RestParts {
  readonly rpc: Rpc;
  readonly report: ReportError;
}

/** Answers a request under /api/. Whatever goes wrong becomes a problem+json answer. */
export async function answerRest(
  request: Request,
  admission: Admission,
  { rpc, report }: RestParts,
): Promise<Response> {
  const { requestId } = admission;
  try {
    const response = await answer(request, admission, rpc);
    return request.method === "HEAD" ? await withoutBody(response) : response;
  } catch (error) {
    // Errors of the services were reported where they arose.
    if (!(error instanceof ConnectError)) report(error, { procedure: new URL(request.url).pathname, requestId });
    return problemResponse(error, requestId);
  }
}

async function answer(request: Request, admission: Admission, rpc: Rpc): Promise<Response> {
  const url = new URL(request.url);
  const { requestId } = admission;
  const caller = admit(admission, url);
  const match = matchRoute(routes, request.method, url.pathname);
  switch (match.kind) {
    case "route": {
      const clients = rpc.clientsFor({ kind: "admitted", caller, requestId });
      const isAnonymous = admission.kind === "refused";
      const { route, id, part } = match;
      return await route.handle({ ...clients, request, url, caller, requestId, isAnonymous, id, part });
    }
    case "wrong-method": {
      const refusal = problemToJson(noMethod(request.method, url.pathname), requestId);
      const headers = { "content-type": "application/problem+json", allow: match.allowed.join(", ") };
      return new Response(JSON.stringify({ ...refusal, status: 405 }), { status: 405, headers });
    }
    case "nowhere":
      throw new ConnectError(`there is nothing at ${url.pathname.slice(0, 200)}`, Code.NotFound);
  }
}

/** Who calls. Open paths are answered to those without credentials too, in the gateway's own name. */
function admit(admission: Admission, { origin, pathname }: URL): Caller {
  if (admission.kind === "admitted") return admission.caller;
  const isOpen = openPaths.includes(pathname) && isUnauthenticated(admission.refusal);
  if (!isOpen) throw admission.refusal;
  return { actor: create(ActorSchema, { kind: ActorKind.GATEWAY, id: "gateway" }), scope: "viewer", origin };
}

function noMethod(method: string, pathname: string): ConnectError {
  return new ConnectError(`${method} is no method of ${pathname.slice(0, 200)}`, Code.Unimplemented);
}

async function withoutBody(response: Response): Promise<Response> {
  await response.body?.cancel();
  return new Response(null, response);
}
