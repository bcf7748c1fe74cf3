import { type ConnectionRefused, type NetworkEvent, RefusalReason } from "#gen/job/v1/job_event_pb.js";

/** A host that a job could not reach. */
export interface RefusedHost {
  /** As a person allows it: "host", or "host:port" unless that is 443. */
  readonly place: string;
  readonly reason: RefusalReason;
  /** Why, and what to do. */
  readonly message: string;
  /** Refusals as far as they were told. */
  readonly count: number;
  /** Who allowed it since; undefined while nobody has. */
  readonly allowedBy: string | undefined;
}

/** What a job's events tell of hosts it could not reach. */
export class RefusedHosts {
  readonly #refused = new Map<string, RefusedHost>();
  readonly #allowed: { readonly rule: string; readonly by: string }[] = [];

  /** In the order of their first refusals. */
  get all(): readonly RefusedHost[] {
    return [...this.#refused.values()];
  }

  take({ event }: NetworkEvent): void {
    switch (event.case) {
      case "refused":
        this.#takeRefusal(event.value);
        break;
      case "allowed":
        this.#takeAllowed(event.value.host, event.value.actor?.id ?? "");
        break;
    }
  }

  #takeRefusal({ host, port, reason, message, count }: ConnectionRefused): void {
    if (host === "") return;
    const place = port === 443 || port === 0 ? host : `${host}:${port}`;
    const allowedBy =
      reason === RefusalReason.NOT_ALLOWED ? this.#allowed.find(({ rule }) => covers(rule, place))?.by : undefined;
    this.#refused.set(`${reason} ${place}`, { place, reason, message, count, allowedBy });
  }

  #takeAllowed(rule: string, by: string): void {
    this.#allowed.push({ rule, by });
    for (const [key, refused] of this.#refused) {
      const isMeant = refused.reason === RefusalReason.NOT_ALLOWED && covers(rule, refused.place);
      if (isMeant) this.#refused.set(key, { ...refused, allowedBy: by });
    }
  }
}

/** Says whether a rule such as "*.example.com" allows the place. */
function covers(rule: string, place: string): boolean {
  return rule.startsWith("*.") ? withPort(place).endsWith(withPort(rule.slice(1))) : withPort(rule) === withPort(place);
}

function withPort(text: string): string {
  return text.includes(":") ? text : `${text}:443`;
}
