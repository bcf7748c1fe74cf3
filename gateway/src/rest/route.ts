import { Code, ConnectError } from "@connectrpc/connect";
import type { Caller } from "../auth/caller.ts";
import type { Clients } from "../rpc.ts";
import { invalidField } from "./fields.ts";

/** One request at a REST route, with what its handler needs. */
export interface RestCall extends Clients {
  readonly request: Request;
  readonly url: URL;
  readonly caller: Caller;
  readonly requestId: string;
  /** True when the request came without credentials, to a path that is open. */
  readonly isAnonymous: boolean;
  /** What stands in the path where the pattern has ":id". */
  readonly id: string;
  /** What stands in the path where the pattern has ":part" or "*", a thing within that of the id. */
  readonly part: string;
}

/** Answers a request. Errors are thrown. */
export type Handler = (call: RestCall) => Promise<Response>;

/** A method and a path, in which ":id" and ":part" stand for any one segment, and "*" at its end for all that follow. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly handle: Handler;
}

/** What a path leads to: a route, the methods it knows instead, or nothing. */
export type Match =
  | ({ readonly kind: "route"; readonly route: Route } & PathParts)
  | { readonly kind: "wrong-method"; readonly allowed: readonly string[] }
  | { readonly kind: "nowhere" };

/** What the open segments of a pattern stand for; "" for those that it has not. */
type PathParts = Pick<RestCall, "id" | "part">;

/** Finds the route of a request. HEAD goes where GET goes. */
export function matchRoute(routes: readonly Route[], method: string, pathname: string): Match {
  const found = routes.flatMap((route) => {
    const parts = matchPath(route.path, pathname);
    return parts === undefined ? [] : [{ route, ...parts }];
  });
  const wanted = method === "HEAD" ? "GET" : method;
  const match = found.find(({ route }) => route.method === wanted);
  if (match !== undefined) return { kind: "route", ...match };
  if (found.length === 0) return { kind: "nowhere" };
  return { kind: "wrong-method", allowed: found.map(({ route }) => route.method) };
}

/** The key that makes a POST safe to repeat, or "". */
export function idempotencyKey({ headers }: Request): string {
  const key = headers.get("idempotency-key");
  if (key === "") throw invalidField("Idempotency-Key", "must be 1 to 255 printable characters");
  return key ?? "";
}

/** A message field that the contract says is always there. */
export function present<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new ConnectError(`the service answered without ${name}`, Code.Internal);
  return value;
}

/** What the open segments stand for; undefined when the path does not match. */
function matchPath(pattern: string, pathname: string): PathParts | undefined {
  const wanted = pattern.split("/");
  const segments = splitPath(pathname, wanted);
  if (segments.length !== wanted.length) return undefined;
  const isMatch = wanted.every(
    (segment, index) => segment.startsWith(":") || segment === "*" || segment === segments[index],
  );
  const open = (name: string) => segments[wanted.indexOf(name)] ?? "";
  return isMatch ? { id: open(":id"), part: open(":part") || open("*") } : undefined;
}

/** The segments of a path; all that a "*" stands for is one of them. */
function splitPath(pathname: string, wanted: readonly string[]): readonly string[] {
  const segments = pathname.split("/");
  const last = wanted.length - 1;
  if (wanted[last] !== "*") return segments;
  const rest = segments.slice(last).join("/");
  return rest === "" ? [] : [...segments.slice(0, last), rest];
}
