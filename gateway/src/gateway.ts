import { Code, ConnectError } from "@connectrpc/connect";
import { allowOrigin, answerPreflight } from "./auth/cors.ts";
import { type Credentials, identify } from "./auth/identify.ts";
import { type Border, refuseAtBorder, unsupportedMediaType } from "./auth/origin.ts";
import { setSecurityHeaders } from "./auth/security-headers.ts";
import { answerRest } from "./rest/answer-rest.ts";
import { problemResponse } from "./rest/problem-json.ts";
import type { Admission, ReportError, Rpc } from "./rpc.ts";

/** What a gateway is made of. */
export interface GatewayParts {
  readonly border: Border;
  readonly credentials: Credentials;
  readonly rpc: Rpc;
  /** Answers some RPCs by a shorter way than `rpc`; undefined for those it leaves to it. */
  readonly shortcut: (request: Request) => Promise<Response | undefined>;
  /** Serves the web client. */
  readonly pages: (request: Request) => Promise<Response>;
  readonly report: ReportError;
  readonly newRequestId: () => string;
}

/** Answers every request to the gateway. Nothing behind the border is reached by a request that is refused at it. */
export function createGateway(parts: GatewayParts): (request: Request) => Promise<Response> {
  return async (request) => {
    const admission = await admit(request, parts);
    const { pathname, protocol } = new URL(request.url);
    const isPage = !pathname.startsWith("/api/") && !pathname.startsWith(rpcPrefix);
    const answered = await answer(request, admission, { ...parts, isPage });
    const response = new Response(answered.body, answered);
    response.headers.set("x-request-id", admission.requestId);
    setSecurityHeaders(response.headers, { isPage, isHttps: protocol === "https:" });
    allowOrigin(request, response.headers, parts.border.allowedOrigins);
    return response;
  };
}

const rpcPrefix = "/blazecraft.";

async function admit(
  request: Request,
  { border, credentials, report, newRequestId }: GatewayParts,
): Promise<Admission> {
  const requestId = newRequestId();
  const refusal = refuseAtBorder(request, border);
  if (refusal !== undefined) return { kind: "refused", requestId, refusal };
  try {
    return { kind: "admitted", requestId, caller: await identify(request, credentials) };
  } catch (error) {
    if (error instanceof ConnectError) return { kind: "refused", requestId, refusal: error };
    report(error, { procedure: "identify", requestId });
    return {
      kind: "refused",
      requestId,
      refusal: new ConnectError("credentials cannot be checked now", Code.Unavailable),
    };
  }
}

async function answer(
  request: Request,
  admission: Admission,
  parts: GatewayParts & { readonly isPage: boolean },
): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (request.method === "OPTIONS" || parts.isPage) {
    const refusal = refuseAtBorder(request, parts.border);
    if (refusal !== undefined) return problemResponse(refusal, admission.requestId);
    return request.method === "OPTIONS" ? answerPreflight() : await parts.pages(request);
  }
  return pathname.startsWith(rpcPrefix)
    ? await answerRpc(request, admission, parts)
    : await answerRest(request, admission, parts);
}

async function answerRpc(request: Request, admission: Admission, { rpc, shortcut }: GatewayParts): Promise<Response> {
  const short = admission.kind === "admitted" ? await shortcut(request) : undefined;
  const response = short ?? (await rpc.answer(request, admission));
  if (response === undefined)
    return Response.json({ code: "unimplemented", message: "there is no such RPC" }, { status: 404 });
  if (response.status !== 415) return response;
  const type = request.headers.get("content-type") ?? "";
  const refusal = unsupportedMediaType(`content type "${type}"`, "Send a content type of Connect or gRPC-Web.");
  return problemResponse(refusal, admission.requestId);
}
