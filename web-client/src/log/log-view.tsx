import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { useFollowTail } from "../ui/follow-tail.ts";
import { MarkedText } from "../ui/marked-text.tsx";
import { readAnsi, styleClasses } from "./ansi.ts";
import type { LineRow, LogBuffer, LogRow } from "./log-buffer.ts";

const rowHeightPx = 20;
const rowsAround = 12;
/** A longer line is cut on screen, or laying it out would hold up the page. */
const maxShownCharacters = 2_000;

/** The log, drawn only where it is seen. It follows its end until the reader scrolls up. */
export function LogView(props: {
  readonly log: LogBuffer;
  /** Grows when the log has; the buffer itself stays the same object. */
  readonly version: number;
  readonly label: string;
  readonly emptyText: string;
}) {
  const { log } = props;
  const box = useRef<HTMLElement>(null);
  const tail = useFollowTail(box);
  const top = useSignal(0);
  const height = useSignal(600);
  const pausedAt = useSignal(0);
  const dropped = useRef(0);
  const total = log.dropped + log.rows.length;

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    height.value = element.clientHeight;
    // What is dropped above a paused reader must not move what is read.
    const gone = (log.dropped - dropped.current) * rowHeightPx;
    if (gone > 0 && !tail.isFollowing.peek()) element.scrollTop -= gone;
    dropped.current = log.dropped;
  });

  const first = Math.max(0, Math.floor(top.value / rowHeightPx) - rowsAround);
  const last = Math.min(log.rows.length, first + Math.ceil(height.value / rowHeightPx) + 2 * rowsAround);
  return (
    <div class="log">
      <section
        ref={box}
        class="log-box mono"
        role="log"
        aria-live="off"
        aria-label={props.label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        tabIndex={0}
        onScroll={(event) => {
          tail.onScroll();
          if (tail.isFollowing.peek()) pausedAt.value = total;
          top.value = event.currentTarget.scrollTop;
        }}
        onKeyDown={(event) => {
          if ((event.key === "f" || event.key === "End") && !event.ctrlKey && !event.metaKey) tail.resume();
        }}
      >
        {log.dropped > 0 && <p class="log-older">{log.dropped.toLocaleString("en")} older lines not loaded</p>}
        {log.rows.length === 0 && <p class="log-empty">{props.emptyText}</p>}
        <div class="log-space" style={{ height: `${log.rows.length * rowHeightPx}px` }}>
          <div class="log-window" style={{ transform: `translateY(${first * rowHeightPx}px)` }}>
            {log.rows.slice(first, last).map((row, index) => (
              <Row key={log.dropped + first + index} row={row} />
            ))}
          </div>
        </div>
      </section>
      {!tail.isFollowing.value && (
        <button type="button" class="pill" onClick={tail.resume}>
          Paused · {Math.max(0, total - pausedAt.value).toLocaleString("en")} new ↓
        </button>
      )}
    </div>
  );
}

function Row({ row }: { readonly row: LogRow }) {
  if (row.kind === "note") {
    return (
      <div class={`log-note is-${row.tone}`}>
        <MarkedText text={row.text} />
      </div>
    );
  }
  return (
    <div class={row.isError ? "log-line is-error" : "log-line"} data-number={row.number}>
      <LineText row={row} />
    </div>
  );
}

function LineText({ row }: { readonly row: LineRow }) {
  const text = lastState(row.text);
  const { spans } = readAnsi(text.slice(0, maxShownCharacters), row.style);
  return (
    <>
      {spans.map((span, index) => (
        <span key={index} class={styleClasses(span.style)}>
          <MarkedText text={span.text} />
        </span>
      ))}
      {text.length > maxShownCharacters && (
        <span class="mark">… {(text.length - maxShownCharacters).toLocaleString("en")} more characters</span>
      )}
    </>
  );
}

/** A progress bar that returns to the line's start is shown as it stands now. */
function lastState(text: string): string {
  const line = text.endsWith("\r") ? text.slice(0, -1) : text;
  return line.slice(line.lastIndexOf("\r") + 1);
}
