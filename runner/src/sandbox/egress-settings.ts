import { networkInterfaces } from "node:os";
import type { AddressRange } from "./address-rules.ts";
import type { HostRule } from "./host-rule.ts";

/** What the runner's operator lets jobs reach. */
export interface EgressSettings {
  /** Every job. */
  readonly allowed: readonly HostRule[];
  /** Callers may let a job reach more. */
  readonly mayAllowMore: boolean;
  /** Private addresses that allowed names may lead to. */
  readonly exemptAddresses: readonly AddressRange[];
}

/** What this machine has, on all its networks. */
export function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address));
}
