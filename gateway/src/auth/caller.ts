import { create } from "@bufbuild/protobuf";
import { type ContextKey, createContextKey } from "@connectrpc/connect";
import { type Actor, ActorSchema } from "#gen/job/v1/job_pb.js";
import { type Scope, scopes } from "#protocol/api-key.ts";

/** Who calls the gateway. */
export interface Caller {
  /** As it is written into events: the API key's id, the e-mail of the Access identity, or "local". */
  readonly actor: Actor;
  readonly scope: Scope;
  /** Where the caller reached the gateway, such as "https://gateway.example.com"; links in answers begin with it. */
  readonly origin: string;
}

/** The caller in the context values of every call. A handler reached without one was reached around the border. */
export const callerKey: ContextKey<Caller> = createContextKey<Caller>(
  { actor: create(ActorSchema), scope: "viewer", origin: "" },
  { description: "caller" },
);

/** True when the scope held includes the one needed. */
export function includesScope(held: Scope, needed: Scope): boolean {
  return scopes.indexOf(held) >= scopes.indexOf(needed);
}
