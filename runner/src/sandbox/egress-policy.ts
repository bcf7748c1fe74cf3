import { formatHostRule, type HostRule } from "./host-rule.ts";
import type { Target } from "./target.ts";

/** Which hosts one job may reach. It may grow while the job runs. */
export class EgressPolicy {
  readonly #exact: Set<string>;
  readonly #below: HostRule[];

  constructor(rules: readonly HostRule[]) {
    this.#exact = new Set(rules.filter(({ scope }) => scope === "itself").map(formatHostRule));
    this.#below = rules.filter(({ scope }) => scope === "below");
  }

  /** Allows more; answers whether that is new. */
  allow(rule: HostRule): boolean {
    const written = formatHostRule(rule);
    if (rule.scope === "itself") {
      const size = this.#exact.size;
      return this.#exact.add(written).size > size;
    }
    if (this.#below.some((known) => formatHostRule(known) === written)) return false;
    this.#below.push(rule);
    return true;
  }

  /** Says whether a job may reach this. */
  allows({ host, port }: Target): boolean {
    if (this.#exact.has(formatHostRule({ name: host, scope: "itself", port }))) return true;
    return this.#below.some((rule) => rule.port === port && host.endsWith(`.${rule.name}`));
  }
}
