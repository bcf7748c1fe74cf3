import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { JWTVerifyGetKey } from "jose";
import { ActorKind, ActorSchema } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { type ApiKey, findApiKey, type Scope } from "#protocol/api-key.ts";
import { problemError } from "#protocol/problem.ts";
import { type AccessApplication, accessHeader, verifyAccess } from "./access.ts";
import type { Caller } from "./caller.ts";
import { isLoopback } from "./loopback.ts";

/** What callers can prove themselves by. */
export interface Credentials {
  readonly apiKeys: readonly ApiKey[];
  readonly access: (AccessApplication & { readonly keys: JWTVerifyGetKey }) | undefined;
  readonly localDev: boolean;
  readonly now: () => number;
}

/**
 * Who sent a request. Credentials that are sent are always checked; without any, only a caller on loopback of a gateway
 * in local development comes in. Throws UNAUTHENTICATED otherwise.
 */
export async function identify(request: Request, credentials: Credentials): Promise<Caller> {
  const { origin, hostname } = new URL(request.url);
  const key = presentedKey(request.headers);
  if (key !== undefined) {
    const found = await findApiKey(credentials.apiKeys, key, credentials.now());
    if (found === undefined) throw unauthenticated("the API key is not known, or no longer good");
    return caller(found.id, found.scope, origin);
  }
  const token = request.headers.get(accessHeader);
  if (token !== null && credentials.access !== undefined) {
    const name = await verifyAccess(token, credentials.access, credentials.access.keys);
    if (name === undefined) throw unauthenticated("the Cloudflare Access token is not good for this gateway");
    return caller(name, "operator", origin);
  }
  if (credentials.localDev && isLoopback(hostname)) return caller("local", "admin", origin);
  throw unauthenticated("no credentials came with the request");
}

function presentedKey(headers: Headers): string | undefined {
  const [, bearer] = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "") ?? [];
  return bearer ?? headers.get("x-api-key") ?? (headers.has("authorization") ? "" : undefined);
}

function caller(id: string, scope: Scope, origin: string): Caller {
  return { actor: create(ActorSchema, { kind: ActorKind.CALLER, id }), scope, origin };
}

function unauthenticated(message: string): ConnectError {
  const error = problemError({
    code: Code.Unauthenticated,
    reason: ProblemReason.UNAUTHENTICATED,
    message: `${message}; send the header "Authorization: Bearer bc_…" or "X-API-Key: bc_…"`,
    action: "Make a key with scripts/new-api-key.ts and add its entry to the API_KEYS secret.",
  });
  error.metadata.set("www-authenticate", 'Bearer realm="blazecraft"');
  return error;
}

/** True for the error that identify throws. */
export function isUnauthenticated(error: unknown): boolean {
  return error instanceof ConnectError && error.code === Code.Unauthenticated;
}
