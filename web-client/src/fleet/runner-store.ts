import { type ReadonlySignal, signal } from "@preact/signals";
import { type Runner, RunnerState } from "#gen/fleet/v1/runner_pb.js";
import type { Gateway } from "../transport.ts";

const pollMs = 10_000;
const settledMs = 2_000;

/** The runners, read again every 10 s while the page is seen and whenever asked. */
export interface RunnerStore {
  /** Undefined until the first answer. */
  readonly runners: ReadonlySignal<readonly Runner[] | undefined>;
  /** How long the last answer of the gateway took. */
  readonly latencyMs: ReadonlySignal<number | undefined>;
  readonly refresh: () => void;
}

/** Reads the runners for as long as the page lives. */
export function createRunnerStore(fleet: Gateway["fleet"]): RunnerStore {
  const runners = signal<readonly Runner[]>();
  const latencyMs = signal<number>();
  let isReading = false;
  const read = async () => {
    if (isReading || document.visibilityState === "hidden") return;
    isReading = true;
    const start = performance.now();
    try {
      runners.value = (await fleet.listRunners({}, { timeoutMs: pollMs })).runners;
      latencyMs.value = performance.now() - start;
    } catch {
      // The connection chip tells what is wrong; the last known runners stay.
      latencyMs.value = undefined;
    } finally {
      isReading = false;
    }
  };
  const refresh = () => {
    void read();
  };
  refresh();
  // The first answer shares the line with the page's own start; this one tells the real latency.
  setTimeout(refresh, settledMs);
  setInterval(refresh, pollMs);
  document.addEventListener("visibilitychange", refresh);
  return { runners, latencyMs, refresh };
}

/** Runners and lanes in numbers. */
export function countFleet(runners: readonly Runner[]) {
  const online = runners.filter(isOnline);
  return {
    bases: runners.length,
    basesOnline: online.length,
    lanes: online.reduce((sum, runner) => sum + (runner.info?.slots ?? 0), 0),
    lanesBusy: online.reduce((sum, runner) => sum + runner.leasedSlots, 0),
  };
}

/** True when a runner answers, also while it drains. */
export function isOnline(runner: Runner): boolean {
  return runner.state === RunnerState.ONLINE || runner.state === RunnerState.DRAINING;
}
