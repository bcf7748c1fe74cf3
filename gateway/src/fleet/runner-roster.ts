/** The runners: which there are, what each said when it was last called, and which are left alone for now. */
import type { Answer } from "../answer.ts";
import type { RunnerClient } from "../runner-client.ts";
import type { FleetStore, KnownRunner } from "./fleet-store.ts";
import { checkRunner, runnerState } from "./runner-check.ts";
import { runnerExists, runnerInUse, runnerNotFound, tooManyRunners } from "./runner-refusals.ts";

/** What a roster works with. */
export interface RosterParts {
  readonly store: FleetStore;
  /** A client of the runner at a URL; undefined while there is no secret to sign with. */
  readonly connect: (url: string) => Promise<RunnerClient | undefined>;
  /** Called after each call to a runner; `isChanged` when it came, went or drains. */
  readonly onChecked: (runner: KnownRunner, isChanged: boolean) => void;
}

/** Name of the runner at RUNNER_URL until it has told its own. */
const unnamed = "default";

/** Runners there can be. */
const maxRunners = 256;

export class RunnerRoster {
  readonly #parts: RosterParts;
  /** Runners that refused a Job since they were last called. */
  readonly #refusing = new Set<string>();
  #checkedMs = 0;
  #checking: Promise<void> | undefined;

  constructor(parts: RosterParts) {
    this.#parts = parts;
  }

  /** True once all runners have been called in this life. */
  get isChecked(): boolean {
    return this.#checkedMs > 0;
  }

  get connect(): RosterParts["connect"] {
    return this.#parts.connect;
  }

  /** Takes RUNNER_URL into the list of runners. */
  configure(runnerUrl: string | undefined): void {
    const { store } = this.#parts;
    const known = this.#configured();
    if (known?.url === runnerUrl) return;
    const added = store.runners().find(({ url }) => url === runnerUrl);
    if (known !== undefined && (runnerUrl === undefined || added !== undefined)) store.deleteRunner(known.name);
    if (runnerUrl === undefined) return;
    const fresh = added ?? known ?? newRunner(unnamed, runnerUrl, true);
    store.saveRunner({ ...fresh, url: runnerUrl, configured: true });
  }

  find(name: string): KnownRunner | undefined {
    return this.#parts.store.runners().find((runner) => runner.name === name);
  }

  /** Calls one runner now; an empty name stands for the one from RUNNER_URL. */
  async check(name: string): Promise<Answer<KnownRunner>> {
    const runner = name === "" ? this.#configured() : this.find(name);
    return runner === undefined ? { refused: runnerNotFound(name) } : { ok: await this.#checkOne(runner) };
  }

  async drain(name: string, draining: boolean): Promise<Answer<KnownRunner>> {
    const runner = this.find(name);
    if (runner === undefined) return { refused: runnerNotFound(name) };
    const changed = { ...runner, drained: draining };
    this.#parts.store.saveRunner(changed);
    const client = await this.#parts.connect(runner.url);
    // A runner that is offline is told when it answers again.
    await client?.drain({ draining }).catch(() => undefined);
    return { ok: await this.#checkOne(changed) };
  }

  async add(name: string, url: string): Promise<Answer<KnownRunner>> {
    const runners = this.#parts.store.runners();
    if (runners.length >= maxRunners) return { refused: tooManyRunners(maxRunners) };
    const { origin } = new URL(url);
    const isTaken = runners.some((runner) => runner.name === name || runner.url === origin);
    if (isTaken) return { refused: runnerExists(name, origin) };
    const runner = newRunner(name, origin, false);
    this.#parts.store.saveRunner(runner);
    return { ok: await this.#checkOne(runner) };
  }

  /** Removes a runner of which so many slots are taken. */
  remove(name: string, leased: number): Answer<null> {
    const runner = this.find(name);
    if (runner === undefined) return { refused: runnerNotFound(name) };
    if (leased > 0 || runner.configured) return { refused: runnerInUse(runner, leased) };
    this.#parts.store.deleteRunner(name);
    return { ok: null };
  }

  /** Calls all runners. Calls that come meanwhile wait for the same. */
  checkAll(): Promise<void> {
    this.#checking ??= Promise.all(this.#parts.store.runners().map((runner) => this.#checkOne(runner)))
      .then(() => undefined)
      .finally(() => {
        this.#checkedMs = Date.now();
        this.#checking = undefined;
      });
    return this.#checking;
  }

  /** The same, if the last time was longer ago than this. */
  checkIfStale(ageMs: number): Promise<void> | undefined {
    return Date.now() - this.#checkedMs < ageMs ? undefined : this.checkAll();
  }

  /** Keeps a runner that did not take a Job from being offered another before it was called again. */
  noteRefusal(name: string, kind: "refused" | "unanswered", why: string): void {
    const runner = this.find(name);
    if (kind === "refused") this.#refusing.add(name);
    else if (runner !== undefined) this.#parts.store.saveRunner({ ...runner, problem: why });
  }

  isRefusing(name: string): boolean {
    return this.#refusing.has(name);
  }

  /** Calls a runner and notes what it says. */
  async #checkOne(runner: KnownRunner): Promise<KnownRunner> {
    const client = await this.#parts.connect(runner.url);
    if (client === undefined) return { ...runner, problem: "RUNNER_SECRET is not set" };
    const before = runnerState(runner);
    const found = await checkRunner(runner, client);
    // It may have been drained or removed meanwhile.
    const now = this.find(runner.name);
    if (now === undefined) return found;
    const settled = { ...found, drained: now.drained, name: this.#nameFor(found) };
    if (settled.name !== runner.name) this.#parts.store.renameRunner(runner.name, settled.name);
    this.#parts.store.saveRunner(settled);
    this.#refusing.delete(runner.name);
    this.#parts.onChecked(settled, runnerState(settled) !== before);
    return settled;
  }

  /** The runner at RUNNER_URL is known by the name it gives itself, once it has told it and if that is free. */
  #nameFor({ name, info }: KnownRunner): string {
    const own = info?.name ?? "";
    const isFree = /^[a-z0-9][a-z0-9-]{0,63}$/.test(own) && this.find(own) === undefined;
    return name === unnamed && isFree ? own : name;
  }

  #configured(): KnownRunner | undefined {
    return this.#parts.store.runners().find(({ configured }) => configured);
  }
}

function newRunner(name: string, url: string, configured: boolean): KnownRunner {
  const never = { seenMs: 0, latencyMs: 0, problem: "not called yet", misconfigured: false, info: undefined };
  return { name, url, configured, drained: false, ...never };
}
