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
    const requestId = parts.newRequestId();
    const answered = await answer(request, requestId, parts).catch((error: unknown) => {
      parts.report(error, { procedure: new URL(request.url).pathname, requestId });
      return problemResponse(error, requestId);
    });
    const response = new Response(answered.body, answered);
    response.headers.set("x-request-id", requestId);
    setSecurityHeaders(response.headers, { isPage: areaOf(request) === "pages", isHttps: isHttps(request) });
    allowOrigin(request, response.headers, parts.border.allowedOrigins);
    return response;
  };
}

async function answer(request: Request, requestId: string, parts: GatewayParts): Promise<Response> {
  const area = areaOf(request);
  const foreign = refuseAtBorder(request, parts.border);
  if (request.method === "OPTIONS" || area === "pages") {
    if (foreign !== undefined) return problemResponse(foreign, requestId);
    return request.method === "OPTIONS" ? answerPreflight() : await parts.pages(request);
  }
  const admission: Admission =
    foreign === undefined ? await admit(request, requestId, parts) : { kind: "refused", requestId, refusal: foreign };
  return area === "rpc" ? await answerRpc(request, admission, parts) : await answerRest(request, admission, parts);
}

function areaOf({ url }: Request): "rest" | "rpc" | "pages" {
  const { pathname } = new URL(url);
  if (pathname.startsWith("/api/")) return "rest";
  return pathname.startsWith("/blazecraft.") ? "rpc" : "pages";
}

function isHttps({ url }: Request): boolean {
  return new URL(url).protocol === "https:";
}

async function admit(request: Request, requestId: string, { credentials, report }: GatewayParts): Promise<Admission> {
  try {
    return { kind: "admitted", requestId, caller: await identify(request, credentials) };
  } catch (error) {
    if (error instanceof ConnectError) return { kind: "refused", requestId, refusal: error };
    report(error, { procedure: "identify", requestId });
    const refusal = new ConnectError("credentials cannot be checked now", Code.Unavailable);
    return { kind: "refused", requestId, refusal };
  }
}

async function answerRpc(request: Request, admission: Admission, { rpc, shortcut }: GatewayParts): Promise<Response> {
  const short = admission.kind === "admitted" ? await shortcut(request) : undefined;
  const response = short ?? (await rpc.answer(request, admission));
  if (response === undefined) return Response.json(noSuchRpc, { status: 404 });
  if (response.status !== 415) return response;
  const type = request.headers.get("content-type") ?? "";
  const refusal = unsupportedMediaType(`content type "${type}"`, "Send a content type of Connect or gRPC-Web.");
  return problemResponse(refusal, admission.requestId);
}

/** An error as Connect writes it, whose clients take it for UNIMPLEMENTED. */
const noSuchRpc = { code: "unimplemented", message: "there is no such RPC" };
