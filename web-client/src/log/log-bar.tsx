import { Action } from "./log-action.tsx";
import { LogMenu } from "./log-menu.tsx";
import { LinePrompt, SearchPrompt } from "./log-prompts.tsx";
import type { LogReading } from "./log-reading.ts";
import type { WholeLog } from "./whole-log.ts";

/** The bar above a log: how much of it is here, and how it is shown; or what its reader is asked for. */
export function LogBar(props: {
  readonly reading: LogReading;
  readonly whole: WholeLog;
  readonly toggleFullScreen: () => void;
}) {
  const { reading, whole } = props;
  const { prompt, window, time } = reading;
  const { facts } = window.frame.value ?? {};
  return (
    <div class="log-bar" role="toolbar" aria-label="Log">
      {prompt.value === "search" && <SearchPrompt reading={reading} />}
      {prompt.value === "line" && <LinePrompt reading={reading} />}
      {prompt.value === "none" && (
        <>
          <span class="log-state num">{facts ? stateText(facts) : ""}</span>
          <Action title="Search" keys="/" onPress={() => reading.openPrompt("search")} />
        </>
      )}
      <Action
        title={facts?.errors ? `Errors ${facts.errors.toLocaleString("en")}` : "Errors"}
        keys="E"
        isDisabled={!facts?.errors}
        onPress={() => void reading.step("error", 1)}
      />
      {(facts?.groups ?? 0) > 0 && (
        <Action
          title={facts?.foldedGroups === facts?.groups ? "Unfold all" : "Fold all"}
          keys="Z"
          onPress={() => reading.foldAll()}
        />
      )}
      <Action
        title="Wrap"
        keys="W"
        isPressed={window.isWrapped.value}
        onPress={() => window.setWrapped(!window.isWrapped.peek())}
      />
      <Action
        title={time.value === "off" ? "Times" : `Times: ${time.value}`}
        keys="Shift+T"
        isPressed={time.value !== "off"}
        onPress={() => reading.cycleTime()}
      />
      <LogMenu reading={reading} whole={whole} toggleFullScreen={props.toggleFullScreen} />
    </div>
  );
}

function stateText({ totalLines, heldFrom, lines }: { totalLines: number; heldFrom: number; lines: number }): string {
  const count = (value: number) => value.toLocaleString("en");
  if (totalLines === 0) return "No lines yet";
  if (heldFrom === 1 && lines === totalLines) return totalLines === 1 ? "1 line" : `${count(totalLines)} lines`;
  if (heldFrom === 0) return `Loading ${count(totalLines)} lines`;
  return `Lines ${count(heldFrom)}–${count(totalLines)} of ${count(totalLines)} loaded`;
}
