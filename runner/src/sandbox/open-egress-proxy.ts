import { AddressRules } from "./address-rules.ts";
import type { EgressPolicy } from "./egress-policy.ts";
import { EgressProxy, egressLimits } from "./egress-proxy.ts";
import { type EgressSettings, ownAddresses } from "./egress-settings.ts";
import type { Refusal } from "./refusal.ts";
import { resolveName } from "./resolve-name.ts";

/** The proxy of something that runs on this machine and may reach what the policy allows. */
export function openEgressProxy({
  settings: { exemptAddresses, mayAllowMore },
  policy,
  onRefused,
}: {
  readonly settings: EgressSettings;
  readonly policy: EgressPolicy;
  readonly onRefused: (refusal: Refusal) => void;
}): EgressProxy {
  const addresses = new AddressRules({ exempt: exemptAddresses, ownAddresses });
  return new EgressProxy({ policy, mayAllowMore, addresses, resolve: resolveName, limits: egressLimits, onRefused });
}
