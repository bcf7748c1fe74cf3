import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { lineRangeHash } from "./line-range.ts";
import type { Log } from "./log.ts";
import { LogBar } from "./log-bar.tsx";
import { pressKey } from "./log-keys.ts";
import { LogReading } from "./log-reading.ts";
import { Row } from "./log-rows.tsx";
import { LogText } from "./log-text.tsx";
import { TickRail } from "./tick-rail.tsx";
import { useListener } from "./use-listener.ts";
import { useNewLineCount } from "./use-new-line-count.ts";
import type { WholeLog } from "./whole-log.ts";

/** What a log is shown with. */
export interface LogViewProps {
  readonly log: Log;
  readonly label: string;
  readonly emptyText: string;
  readonly whole?: WholeLog | undefined;
}

/** A log: drawn only where it is seen, followed at its end until its reader scrolls up. */
export function LogView({ log, label, emptyText, whole }: LogViewProps) {
  const reading = useMemo(() => new LogReading(log), [log]);
  const frame = useRef<HTMLDivElement>(null);
  const { chosen } = whole ?? {};
  useEffect(() => {
    if (!chosen) return;
    reading.current.value = chosen.from;
    void reading.goToLine(chosen.from);
  }, [reading, chosen?.from, chosen?.to]);
  useNewLineCount(reading, whole?.say);
  const link = (line: number) => {
    const hash = lineRangeHash({ from: line, to: line });
    whole?.choose(hash);
    void navigator.clipboard?.writeText(`${location.origin}${whole?.path}${hash}`);
    whole?.say(`Link to line ${line} copied`);
  };
  const toggleFullScreen = () => {
    void (document.fullscreenElement ? document.exitFullscreen() : frame.current?.requestFullscreen());
  };
  useListener(frame, "keydown", (event) => {
    if (event.defaultPrevented || isField(event.target) || !whole) return;
    if (pressKey(event, reading, { link, toggleFullScreen })) event.preventDefault();
  });
  return (
    <div class="log" ref={frame}>
      {whole && <LogBar reading={reading} whole={whole} toggleFullScreen={toggleFullScreen} />}
      {reading.isText.value ? (
        <LogText reading={reading} />
      ) : (
        <LogBox reading={reading} label={label} emptyText={emptyText} whole={whole} />
      )}
    </div>
  );
}

function LogBox({ reading, label, emptyText, whole }: Omit<LogViewProps, "log"> & { readonly reading: LogReading }) {
  const { window } = reading;
  const box = useRef<HTMLElement>(null);
  const shown = window.frame.value;
  window.moved.value;
  useEffect(() => (box.current ? window.attach(box.current) : undefined), [window]);
  useLayoutEffect(() => window.drawn());
  useLayoutEffect(() => reading.retryLine(), [reading, shown?.facts.totalLines]);
  useEffect(() => {
    const select = () => {
      const selection = getSelection();
      if (selection && !selection.isCollapsed && box.current?.contains(selection.anchorNode)) window.pause();
    };
    document.addEventListener("selectionchange", select);
    return () => document.removeEventListener("selectionchange", select);
  }, [window]);
  useListener(box, "click", (event) => press(event, reading, whole));
  const { height, top } = window.space;
  const look = {
    time: reading.time.value,
    startMs: shown?.facts.startMs ?? 0,
    chosen: whole?.chosen,
    current: reading.current.value,
    hrefOf: whole && ((line: number) => `${whole.path}#L${line}`),
  };
  return (
    <div class="log-frame">
      <section
        ref={box}
        class={`log-box mono${window.isWrapped.value ? " is-wrapped" : ""}`}
        role="log"
        aria-live="off"
        aria-label={label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        tabIndex={0}
        onScroll={() => window.scrolled()}
      >
        {shown?.rowCount === 0 && <p class="log-empty">{emptyText}</p>}
        <div class="log-space" style={{ height: `${height}px` }}>
          <div class="log-window" style={{ transform: `translateY(${top}px)` }}>
            {shown?.rows.map((row, index) => (
              <Row key={row.item} row={row} at={shown.first + index} look={look} />
            ))}
          </div>
        </div>
      </section>
      {shown?.search && <TickRail ticks={shown.search.ticks} />}
      {!window.isFollowing.value && (
        <button type="button" class="pill" onClick={() => window.follow()}>
          Paused · {window.newLines.toLocaleString("en")} new ↓
        </button>
      )}
    </div>
  );
}

/** A click on a number names the line in the address, with Shift all up to it; one on a fold mark folds. */
function press(event: MouseEvent, reading: LogReading, whole: WholeLog | undefined): void {
  if (!(event.target instanceof Element)) return;
  const fold = event.target.closest<HTMLElement>("[data-fold]");
  if (fold) reading.fold(Number(fold.dataset.fold), fold.getAttribute("aria-expanded") === "true");
  const number = event.target.closest<HTMLElement>("a[data-number]");
  if (!number || !whole || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const line = Number(number.dataset.number);
  const start = event.shiftKey ? (whole.chosen?.from ?? line) : line;
  reading.current.value = line;
  whole.choose(lineRangeHash({ from: Math.min(start, line), to: Math.max(start, line) }));
}

function isField(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select") !== null;
}
