import { durationMs } from "@bufbuild/protobuf/wkt";
import type { Runner } from "#gen/fleet/v1/runner_pb.js";
import { MarkedText } from "../ui/marked-text.tsx";
import { bytesText } from "../ui/time-text.ts";
import { RunnerStateWord } from "./runner-state.tsx";
import { isOnline } from "./runner-store.ts";

/** Every runner in one table. */
export function RunnersPage({ runners }: { readonly runners: readonly Runner[] | undefined }) {
  return (
    <section class="sheet" aria-labelledby="runners-title">
      <header class="sheet-head">
        <h1 id="runners-title">Runners</h1>
        <a class="button small" href="/setup">
          Setup checklist
        </a>
      </header>
      {runners?.length === 0 && <p class="empty">No runner is set up.</p>}
      {runners && runners.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        <section class="table-box" aria-label="All runners" tabIndex={0}>
          <table class="num is-words">
            <thead>
              <tr>
                {["Runner", "State", "Lanes", "Latency", "Free disk", "Version", "Labels"].map((title) => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {runners.map((runner) => (
                <Row key={runner.name} runner={runner} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}

function Row({ runner }: { readonly runner: Runner }) {
  const { info, latency } = runner;
  return (
    <tr>
      <th scope="row">
        <a href={`/runners/${runner.name}`}>{runner.name}</a>
      </th>
      <td>
        <RunnerStateWord runner={runner} />
      </td>
      <td>{info ? `${runner.leasedSlots}/${info.slots}` : "–"}</td>
      <td>{isOnline(runner) && latency ? `${Math.round(durationMs(latency))} ms` : "–"}</td>
      <td>{info?.freeDiskBytes ? bytesText(Number(info.freeDiskBytes)) : "–"}</td>
      <td>
        <MarkedText text={info?.version ?? "–"} />
      </td>
      <td>
        <MarkedText text={info?.labels.join(", ") || "–"} />
      </td>
    </tr>
  );
}
