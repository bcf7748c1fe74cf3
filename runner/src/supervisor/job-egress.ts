import type { Socket } from "node:net";
import type { EventPayload } from "../executor/executor.ts";
import type { EgressDoor } from "../sandbox/egress-door.ts";
import { EgressPolicy } from "../sandbox/egress-policy.ts";
import type { EgressProxy } from "../sandbox/egress-proxy.ts";
import type { EgressSettings } from "../sandbox/egress-settings.ts";
import { parseHostRule } from "../sandbox/host-rule.ts";
import type { CallAnswer, CommandActor } from "./control.ts";
import { RefusalTally } from "./refusal-tally.ts";

/** What the way of an attempt to the network is made of. */
export interface JobEgressOptions {
  readonly settings: EgressSettings;
  /** JobSpec.allowed_hosts. */
  readonly allowedHosts: readonly string[];
  /** Where the job knocks; undefined when it is not confined, and reaches whatever the runner does. */
  readonly door: EgressDoor | undefined;
  readonly emit: (payload: EventPayload) => void;
}

/** The way of one attempt to the network: what it may reach, what people add to that, and what it was refused. */
export class JobEgress {
  readonly #options: JobEgressOptions;
  readonly #policy: EgressPolicy;
  readonly #refusals: RefusalTally;
  #proxy: Promise<EgressProxy> | undefined;

  constructor(options: JobEgressOptions) {
    const { settings, allowedHosts, door, emit } = options;
    this.#options = options;
    // What does not parse was refused before the job was taken.
    const ownRules = allowedHosts.map(parseHostRule).filter((rule) => rule !== undefined);
    this.#policy = new EgressPolicy([...settings.allowed, ...ownRules]);
    this.#refusals = new RefusalTally((value) =>
      emit({ case: "network", value: { event: { case: "refused", value } } }),
    );
    door?.serve((client) => void this.#accept(client));
  }

  /** Lets the job reach a host from now on. To allow it again changes nothing and tells nothing. */
  allow(host: string, actor: CommandActor | null): CallAnswer {
    const { settings, door, emit } = this.#options;
    const rule = parseHostRule(host);
    if (rule === undefined) throw new Error(`${host} is no host`);
    if (door === undefined) return refused("unconfined", "the job is not confined, and may reach every host");
    if (!settings.mayAllowMore) return refused("fixedHosts", "the runner's operator lets nobody allow more hosts");
    if (this.#policy.allow(rule)) {
      const value = { host, ...(actor === null ? {} : { actor }) };
      emit({ case: "network", value: { event: { case: "allowed", value } } });
    }
    return { kind: "done" };
  }

  /** Cuts every connection. Nothing is refused any more afterwards. */
  async close(): Promise<void> {
    this.#options.door?.shut();
    await (await this.#proxy)?.close();
  }

  async #accept(client: Socket): Promise<void> {
    // Until the proxy has it, nobody else hears of its end.
    client.on("error", () => client.destroy());
    this.#proxy ??= this.#openProxy();
    (await this.#proxy).accept(client);
  }

  async #openProxy(): Promise<EgressProxy> {
    // Loaded when it is needed: HTTP makes a supervisor larger, and most commands reach for nothing.
    const { openEgressProxy } = await import("../sandbox/open-egress-proxy.ts");
    return openEgressProxy({
      settings: this.#options.settings,
      policy: this.#policy,
      onRefused: (refusal) => this.#refusals.add(refusal),
    });
  }
}

function refused(refusal: "unconfined" | "fixedHosts", message: string): CallAnswer {
  return { kind: "refused", refusal, message };
}
