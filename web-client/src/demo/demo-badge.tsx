import "./demo.css";
import { RunnerState } from "#gen/fleet/v1/runner_pb.js";
import { type Line, unreachable } from "./line.ts";
import { offlineRunner } from "./runners.ts";
import { stories } from "./stories.ts";
import type { World } from "./world.ts";

/** Says that nothing here is real, whatever else is on screen; behind it, the other stories, and what can go wrong. */
export function DemoBadge(props: { readonly story: string; readonly world: World; readonly line: Line }) {
  return (
    <div class="demo">
      <details>
        <summary class="demo-badge">DEMO</summary>
        <div class="demo-menu plate">
          <p>Nothing here is real, and no gateway is called.</p>
          <h2 class="plate-title">Stories</h2>
          <ul class="demo-stories">
            {stories.map(({ name, title }) => (
              <li key={name}>
                {/* The whole page begins anew, so that no story finds anything of another. */}
                <a href={`/?demo=${name}`} target="_self" aria-current={name === props.story ? "true" : undefined}>
                  {title}
                </a>
              </li>
            ))}
          </ul>
          <h2 class="plate-title">What can go wrong</h2>
          <Chaos world={props.world} line={props.line} />
          <a class="button small" href="/?demo=0" target="_self">
            Leave the demo
          </a>
        </div>
      </details>
    </div>
  );
}

function Chaos({ world, line }: { readonly world: World; readonly line: Line }) {
  const stopRunner = () => {
    for (const { name } of world.runners.values()) world.runners.set(name, offlineRunner(name, 0));
    world.dispatch();
  };
  const startRunner = () => {
    for (const runner of world.runners.values()) {
      world.runners.set(runner.name, { ...runner, state: RunnerState.ONLINE, problem: "" });
    }
    for (const held of world.jobs.values()) if (held.job.suspect) world.change(held, { suspect: false });
    world.dispatch();
  };
  const choices: readonly (readonly [title: string, run: () => void])[] = [
    ["Cut the connection", () => line.cut(unreachable())],
    ["Mend it", line.mend],
    ["Stop the runners", stopRunner],
    ["Start them", startRunner],
  ];
  return (
    <div class="demo-chaos">
      {choices.map(([title, run]) => (
        <button key={title} type="button" class="button small" onClick={run}>
          {title}
        </button>
      ))}
    </div>
  );
}
