import { useRef } from "preact/hooks";
import type { LineRange } from "./far-log.ts";
import { lineRangeHash } from "./line-range.ts";
import { Action } from "./log-action.tsx";
import type { LogReading } from "./log-reading.ts";
import { useListener } from "./use-listener.ts";
import type { WholeLog } from "./whole-log.ts";

/** What else can be done with a log. */
export function LogMenu(props: {
  readonly reading: LogReading;
  readonly whole: WholeLog;
  readonly toggleFullScreen: () => void;
}) {
  const { reading, whole } = props;
  const { actions, chosen } = whole;
  const menu = useRef<HTMLDetailsElement>(null);
  const close = () => {
    if (menu.current) menu.current.open = false;
  };
  const copy = (as: CopyShape) => void copyLines(reading, { as, chosen, whole });
  const what = chosen ? `lines ${lineRangeHash(chosen).slice(1)}` : "all lines";
  useListener(menu, "keydown", (event) => {
    if (event.key !== "Escape" || !menu.current?.open) return;
    close();
    menu.current.querySelector("summary")?.focus();
    event.preventDefault();
  });
  useListener(menu, "click", (event) => {
    if (event.target instanceof Element && event.target.closest(".log-menu-list")) close();
  });
  return (
    <details ref={menu} class="log-menu">
      <summary class="button small" aria-label="More for the log">
        ⋯
      </summary>
      <div class="log-menu-list plate">
        <Action title={`Copy ${what}`} onPress={() => copy("plain")} />
        <Action title={`Copy ${what} with colours`} onPress={() => copy("ansi")} />
        <Action title={`Copy ${what} as Markdown`} onPress={() => copy("markdown")} />
        {actions && (
          <>
            <Action title="Download plain text" onPress={() => void actions.download("plain")} />
            <Action title="Download with colours" onPress={() => void actions.download("ansi")} />
            <Action title="Download as NDJSON" onPress={() => void actions.download("ndjson")} />
            <a class="button small" href={actions.rawUrl} target="_blank" rel="noopener">
              Open raw
            </a>
          </>
        )}
        <Action
          title={reading.isText.value ? "Read as log" : "Read as text"}
          onPress={() => {
            reading.isText.value = !reading.isText.peek();
          }}
        />
        <Action
          title="Announce new lines"
          isPressed={reading.announces.value}
          onPress={() => {
            reading.announces.value = !reading.announces.peek();
          }}
        />
        <Action title="Full screen" keys="Shift+F" onPress={props.toggleFullScreen} />
      </div>
    </details>
  );
}

type CopyShape = "plain" | "ansi" | "markdown";

async function copyLines(
  reading: LogReading,
  { as, chosen, whole }: { readonly as: CopyShape; readonly chosen: LineRange | undefined; readonly whole: WholeLog },
): Promise<void> {
  const range = reading.copyRange(chosen);
  const text = await reading.window.port.readText(range, as === "ansi" ? "ansi" : "plain");
  await navigator.clipboard.writeText(
    as === "markdown" ? toMarkdown(text, `${whole.path}${lineRangeHash(range)}`) : text,
  );
  whole.say(`${(range.to - range.from + 1).toLocaleString("en")} lines copied`);
}

/** A fenced block below a link to where it is from; the fence is longer than any in it. */
function toMarkdown(text: string, path: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([fence]) => fence.length));
  const fence = "`".repeat(longest + 1);
  return `[${path}](${location.origin}${path})\n${fence}\n${text}${fence}\n`;
}
