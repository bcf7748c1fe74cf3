import { ConnectError } from "@connectrpc/connect";
import { type ReadonlySignal, signal } from "@preact/signals";
import type { CheckRunnerResponse } from "#gen/fleet/v1/fleet_service_pb.js";
import type { Gateway } from "../transport.ts";
import { asSentence } from "../ui/sentence.ts";

/** What can be done with a runner. */
export interface RunnerCommands {
  /** Lets it finish what it has and gives it nothing new. */
  readonly drain: (name: string) => Promise<void>;
  readonly resume: (name: string) => Promise<void>;
  /** Goes the way to it now, and tells how long each part took. */
  readonly check: (name: string) => Promise<void>;
  readonly checked: ReadonlySignal<CheckRunnerResponse | undefined>;
  readonly failure: ReadonlySignal<string>;
}

/** Commands that reach runners through the gateway; afterwards the runners are read again. */
export function createRunnerCommands(fleet: Gateway["fleet"], refresh: () => void): RunnerCommands {
  const checked = signal<CheckRunnerResponse>();
  const failure = signal("");
  const attempt = async (use: () => Promise<unknown>) => {
    failure.value = "";
    try {
      await use();
    } catch (error) {
      failure.value = asSentence(ConnectError.from(error).rawMessage);
    }
    refresh();
  };
  return {
    drain: (name) => attempt(() => fleet.drainRunner({ name })),
    resume: (name) => attempt(() => fleet.resumeRunner({ name })),
    check: (name) =>
      attempt(async () => {
        checked.value = undefined;
        checked.value = await fleet.checkRunner({ name });
      }),
    checked,
    failure,
  };
}
