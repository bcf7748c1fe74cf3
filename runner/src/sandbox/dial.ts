import { connect, type Socket } from "node:net";
import type { AddressRules } from "./address-rules.ts";
import { privateAddress, type Refusal, unreachable } from "./refusal.ts";
import type { ResolveName } from "./resolve-name.ts";
import type { Target } from "./target.ts";

/** What came of dialing. */
export type Dialed =
  | { readonly kind: "connected"; readonly socket: Socket }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** How hosts are found. */
export interface DialOptions {
  readonly resolve: ResolveName;
  readonly addresses: AddressRules;
  /** For all of it: the name, and each address in turn. */
  readonly connectMs: number;
}

/**
 * Connects to a host that the job may reach. Its name is resolved once, and what is connected to is the address that was
 * checked: an answer that changes changes nothing.
 */
export async function dial(target: Target, options: DialOptions, signal: AbortSignal): Promise<Dialed> {
  const { resolve, addresses, connectMs } = options;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(connectMs)]);
  const found = await orAborted(resolve(target.host), limit).catch(() => undefined);
  if (found?.[0] === undefined) return refused(unreachable(target, "its name does not resolve"));
  const allowed = found.filter((address) => addresses.allow(address));
  if (allowed.length === 0) return refused(privateAddress(target, found[0]));
  for (const address of allowed) {
    const socket = await open(address, target.port, limit);
    if (socket !== undefined) return { kind: "connected", socket };
  }
  return refused(
    unreachable(target, limit.aborted ? `nobody answered within ${connectMs} ms` : "nobody answers there"),
  );
}

function refused(refusal: Refusal): Dialed {
  return { kind: "refused", refusal };
}

/** Undefined when nobody answers there. */
function open(host: string, port: number, signal: AbortSignal): Promise<Socket | undefined> {
  return new Promise((done) => {
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    const giveUp = () => {
      socket.destroy();
      done(undefined);
    };
    if (signal.aborted) return giveUp();
    signal.addEventListener("abort", giveUp, { once: true });
    socket.once("error", giveUp);
    socket.once("connect", () => {
      signal.removeEventListener("abort", giveUp);
      socket.off("error", giveUp);
      done(socket);
    });
  });
}

/** The system's resolver cannot be told to stop; its answer is then not waited for. */
function orAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
