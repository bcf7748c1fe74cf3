import { randomId } from "#protocol/id.ts";
import type { WarmReport } from "./control.ts";
import type { JobSettings } from "./settings.ts";
import type { Supervisor } from "./supervisor-pool.ts";

/** How many spares have an agent that waits for a job, and which. */
export interface WarmSparesOptions {
  readonly count: number;
  readonly agent: string;
  readonly settings: JobSettings;
  /** The agent of this session waits for a job. */
  readonly onReady: (session: string) => void;
  /** Nobody sees to this session any more. */
  readonly onGone: (session: string) => void;
}

/**
 * The spares that have an agent which waits for a job. They start them one after the other, and while no job begins: for
 * half a second each takes all of a core.
 */
export class WarmSpares {
  readonly #options: WarmSparesOptions;
  readonly #agents = new Map<Supervisor, WaitingAgent>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WarmSparesOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#options.count;
  }

  /** Whether a spare has an agent, or is about to. */
  has(spare: Supervisor): boolean {
    return this.#agents.has(spare);
  }

  /** Has one of the spares start an agent in a moment, when there are too few; call it whenever something changed. */
  tend(spares: readonly Supervisor[], { afterMs = calmMs } = {}): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#warmOne(spares), afterMs).unref();
  }

  /** The spare that suits a job best: one whose agent waits for a job that can use it, another for one that cannot. */
  choose(spares: readonly Supervisor[], wish: WarmWish): Supervisor | undefined {
    const order: readonly Warmth[] = wish.warm ? ["ready", "none", "busy"] : ["none", "busy", "ready"];
    const rank = (spare: Supervisor) => order.indexOf(this.#agents.get(spare)?.warmth ?? "none");
    const best = Math.min(...spares.map(rank));
    // The one that was used last runs fastest.
    return spares.findLast((spare) => rank(spare) === best);
  }

  /** A spare gets a job. Answers the session of its agent when the job is to have that; else the spare ends it. */
  handOver(spare: Supervisor, wish: WarmWish): string | undefined {
    const agent = this.#agents.get(spare);
    if (agent === undefined) return undefined;
    if (wish.warm && agent.warmth === "ready") {
      this.#agents.delete(spare);
      return agent.session;
    }
    this.#agents.set(spare, { ...agent, warmth: "busy" });
    return undefined;
  }

  /** Takes what a supervisor says of its agent. */
  heard(supervisor: Supervisor, { kind, session }: WarmReport, spares: readonly Supervisor[]): void {
    const agent = this.#agents.get(supervisor);
    if (agent?.session !== session) return;
    if (kind === "warmed") {
      if (!spares.includes(supervisor)) return;
      this.#agents.set(supervisor, { session, warmth: "ready" });
      this.#options.onReady(session);
      this.tend(spares);
      return;
    }
    this.lost(supervisor);
    // One that cannot even begin would not the next moment either.
    this.tend(spares, agent.warmth === "busy" && spares.includes(supervisor) ? { afterMs: retryMs } : {});
  }

  /** A supervisor is gone, or its agent. */
  lost(supervisor: Supervisor): void {
    const agent = this.#agents.get(supervisor);
    if (agent === undefined) return;
    this.#agents.delete(supervisor);
    this.#options.onGone(agent.session);
  }

  #warmOne(spares: readonly Supervisor[]): void {
    const { count, agent, settings } = this.#options;
    const agents = [...this.#agents.values()];
    const spare = spares.find((candidate) => !this.has(candidate));
    if (spare === undefined || agents.length >= count || agents.some(({ warmth }) => warmth === "busy")) return;
    const session = randomId("warm");
    this.#agents.set(spare, { session, warmth: "busy" });
    spare.command({ kind: "warm", session, agent, settings });
  }
}

/** What a job wants of its supervisor. */
export interface WarmWish {
  /** It can use an agent that waits. */
  readonly warm: boolean;
}

/** Whether an agent waits, or is on its way to that or to its end. */
type Warmth = "none" | "busy" | "ready";

interface WaitingAgent {
  readonly session: string;
  readonly warmth: Exclude<Warmth, "none">;
}

const calmMs = 500;
const retryMs = 30_000;
