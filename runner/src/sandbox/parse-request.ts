import type { IncomingMessage } from "node:http";
import { type ParsedTarget, parseAuthority, type Target } from "./target.ts";

/** What a request to a proxy wants. */
export type ParsedRequest =
  /** The path with its query; empty when a tunnel is wanted. */
  | { readonly kind: "target"; readonly target: Target; readonly path: string }
  | Extract<ParsedTarget, { kind: "malformed" }>;

/** Reads the host out of a request: what a CONNECT names, or an absolute http URL. Nothing of it is decoded or mended. */
export function parseRequest({ method, url = "", headers, rawHeaders }: IncomingMessage): ParsedRequest {
  if (method === "CONNECT") return withPath(parseAuthority(url), "");
  const parsed = parseUrl(url);
  if (parsed.kind === "malformed") return parsed;
  const { target } = parsed;
  const malformed = (problem: string) => ({ kind: "malformed" as const, ...target, problem });
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === "host");
  if (hosts.length > 1) return malformed("it has several Host headers");
  if (headers.host !== undefined && !isNamed(headers.host, target)) {
    return malformed(`its Host header is "${headers.host}"`);
  }
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && coding.toLowerCase() !== "chunked")
    return malformed(`its transfer coding is "${coding}"`);
  return parsed;
}

function parseUrl(url: string): ParsedRequest {
  const [, scheme, authority = "", path = ""] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^#]*)$/i.exec(url) ?? [];
  if (scheme === undefined) return { kind: "malformed", host: "", port: 0, problem: "it is no absolute URL" };
  const parsed = parseAuthority(authority, httpPort);
  if (parsed.kind === "target" && scheme.toLowerCase() !== "http") {
    return { kind: "malformed", ...parsed.target, problem: `${scheme} URLs are asked for through CONNECT` };
  }
  return withPath(parsed, path.startsWith("/") ? path : `/${path}`);
}

function withPath(parsed: ParsedTarget, path: string): ParsedRequest {
  return parsed.kind === "malformed" ? parsed : { ...parsed, path };
}

function isNamed(header: string, { host, port }: Target): boolean {
  const parsed = parseAuthority(header, httpPort);
  return parsed.kind === "target" && parsed.target.host === host && parsed.target.port === port;
}

const httpPort = 80;
