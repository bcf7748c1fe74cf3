import { type AddressInfo, createServer } from "node:net";
import { AddressRules, parseAddressRange } from "../src/sandbox/address-rules.ts";
import { EgressPolicy } from "../src/sandbox/egress-policy.ts";
import { expandEgress } from "../src/sandbox/egress-presets.ts";
import { type EgressLimits, EgressProxy, egressLimits } from "../src/sandbox/egress-proxy.ts";
import type { Refusal } from "../src/sandbox/refusal.ts";
import type { ResolveName } from "../src/sandbox/resolve-name.ts";

/** An egress proxy on a port of loopback. */
export interface Egress extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly policy: EgressPolicy;
  /** What it refused so far. */
  readonly refusals: readonly Refusal[];
  /** The names that it asked for. */
  readonly resolved: readonly string[];
  readonly proxy: EgressProxy;
}

/** What may pass; loopback stands in for the internet unless said otherwise. */
export interface EgressSetup {
  readonly allow: readonly string[];
  readonly exempt?: readonly string[];
  readonly resolve?: ResolveName;
  readonly limits?: Partial<EgressLimits>;
}

/** Open a proxy that takes every name for this machine. */
export async function openEgress(setup: EgressSetup): Promise<Egress> {
  const { allow, exempt = ["127.0.0.0/8"], resolve = async () => ["127.0.0.1"], limits } = setup;
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const policy = new EgressPolicy(allow.flatMap((item) => expandEgress(item) ?? []));
  const refusals: Refusal[] = [];
  const resolved: string[] = [];
  const proxy = new EgressProxy({
    policy,
    mayAllowMore: true,
    addresses: new AddressRules({
      exempt: exempt.map(parseAddressRange).filter((range) => range !== undefined),
      ownAddresses: () => [],
    }),
    resolve: (host) => {
      resolved.push(host);
      return resolve(host);
    },
    limits: { ...egressLimits, ...limits },
    onRefused: (refusal) => refusals.push(refusal),
  });
  server.on("connection", (socket) => proxy.accept(socket));
  const close = async () => {
    await proxy.close();
    await new Promise((closed) => server.close(closed));
  };
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    policy,
    refusals,
    resolved,
    proxy,
    [Symbol.asyncDispose]: close,
  };
}
