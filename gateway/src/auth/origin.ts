/**
 * The border every request crosses first: which Host it names, which web page sent it, and in which form. It keeps other
 * people's pages out of a gateway on loopback (DNS rebinding, cross-site posts) and looks at headers alone.
 */
import { Code, type ConnectError } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";
import { isLoopback } from "./loopback.ts";

/** Whom the gateway answers for and to. */
export interface Border {
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly localDev: boolean;
}

/** Largest body of a request … */
export const maxBodyBytes = 2 * 1024 * 1024;
/** … and of one that uploads a whole attachment. */
export const maxAttachmentBytes = 10 * 1024 * 1024;

/** Why a request is refused at the border, or undefined when it may come in. */
export function refuseAtBorder(request: Request, border: Border): ConnectError | undefined {
  return refuseHost(request, border) ?? refuseOrigin(request, border) ?? refuseBody(request);
}

function refuseHost(request: Request, { allowedHosts, localDev }: Border): ConnectError | undefined {
  const { host, hostname } = new URL(request.url);
  const isKnown = localDev
    ? isLoopback(hostname) || allowedHosts.includes(host)
    : allowedHosts.length === 0 || allowedHosts.includes(host);
  if (isKnown) return undefined;
  return problemError({
    code: Code.PermissionDenied,
    reason: ProblemReason.FOREIGN_HOST,
    message: `host "${host}" is not served here`,
    action: "Use the gateway's own address, or add the host to ALLOWED_HOSTS.",
  });
}

function refuseOrigin(request: Request, { allowedOrigins }: Border): ConnectError | undefined {
  const origin = request.headers.get("origin");
  const isRead = request.method === "GET" || request.method === "HEAD";
  const isCrossSite = request.headers.get("sec-fetch-site") === "cross-site" && !isRead;
  const isKnown =
    origin === null ? !isCrossSite : origin === new URL(request.url).origin || allowedOrigins.includes(origin);
  if (isKnown) return undefined;
  return problemError({
    code: Code.PermissionDenied,
    reason: ProblemReason.FOREIGN_ORIGIN,
    message: origin === null ? "a page of another site sent this" : `origin "${origin}" is not allowed here`,
    action: "Open the gateway's own page, or add the origin to ALLOWED_ORIGINS.",
  });
}

function refuseBody({ url, headers, method }: Request): ConnectError | undefined {
  const encoding = ["content-encoding", "connect-content-encoding", "grpc-encoding"]
    .map((name) => headers.get(name))
    .find((value) => value !== null && value !== "identity");
  if (encoding) return unsupportedMediaType(`content encoding "${encoding}"`, "Send the request uncompressed.");
  const length = Number(headers.get("content-length") ?? 0);
  const isAttachment = method === "PUT" && new URL(url).pathname.startsWith("/api/attachments/");
  const limit = isAttachment ? maxAttachmentBytes : maxBodyBytes;
  if (length > limit) return tooLarge(length, limit);
  const type = headers.get("content-type");
  if (method !== "POST" || type === null || acceptedTypes.test(type)) return undefined;
  return unsupportedMediaType(`content type "${type}"`, 'Send "Content-Type: application/json".');
}

/** JSON, and what Connect and gRPC-Web send; nothing that a form of a web page can. */
const acceptedTypes =
  /^application\/(json|proto|connect\+(json|proto)|grpc-web(-text)?(\+(json|proto))?)( *; *charset=utf-8)?$/i;

/** The error for a body or header in a form that is not accepted. */
export function unsupportedMediaType(what: string, action: string): ConnectError {
  return problemError({
    code: Code.InvalidArgument,
    reason: ProblemReason.UNSUPPORTED_MEDIA_TYPE,
    message: `${what} is not accepted`,
    action,
  });
}

/** The error for a body past its limit, of which so many bytes are known. */
export function tooLarge(bytes: number, limit: number): ConnectError {
  return problemError({
    code: Code.ResourceExhausted,
    reason: ProblemReason.REQUEST_TOO_LARGE,
    message: `request of ${bytes} bytes or more is over the limit of ${limit}`,
    action: "Send less in one request.",
  });
}
