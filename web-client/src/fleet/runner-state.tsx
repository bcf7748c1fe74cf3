import { type Runner, RunnerState } from "#gen/fleet/v1/runner_pb.js";

const stateWords: Record<RunnerState, readonly [shape: string, word: string, tone: string]> = {
  [RunnerState.UNSPECIFIED]: ["◌", "not looked at yet", "off"],
  [RunnerState.ONLINE]: ["●", "online", "ok"],
  [RunnerState.DRAINING]: ["◐", "draining", "warn"],
  [RunnerState.OFFLINE]: ["○", "offline", "bad"],
  [RunnerState.MISCONFIGURED]: ["✕", "misconfigured", "bad"],
};

/** How a runner stands: a shape and a word. */
export function RunnerStateWord({ runner }: { readonly runner: Runner }) {
  const [shape, word, tone] = stateWords[runner.state] ?? stateWords[RunnerState.UNSPECIFIED];
  return (
    <span class={`base-state tone-${tone}`}>
      <span aria-hidden="true">{shape}</span> {word}
    </span>
  );
}
