import { durationText } from "../ui/time-text.ts";
import type { LineRange } from "./far-log.ts";
import type { GroupHead, LineRow, LogRow, NoteRow } from "./log-row.ts";
import { rowTimeText, type TimeShown } from "./row-time.ts";
import { Spans } from "./span-view.tsx";

/** What all rows of a view have in common. */
export interface RowLook {
  readonly time: TimeShown;
  readonly startMs: number;
  /** The lines that the address names. */
  readonly chosen: LineRange | undefined;
  /** The item that a key went to last. */
  readonly current: number;
  /** Address of a line, or undefined where lines have none. */
  readonly hrefOf: ((line: number) => string) | undefined;
}

/** One row of the log. */
export function Row({ row, at, look }: { readonly row: LogRow; readonly at: number; readonly look: RowLook }) {
  const { item, isFound, group } = row;
  const isChosen = look.chosen !== undefined && item >= look.chosen.from && item <= look.chosen.to;
  const classes = [
    "log-row",
    `is-${row.kind}`,
    row.kind === "note" && `is-${row.tone}`,
    row.kind === "line" && row.isError && "is-error",
    row.kind === "line" && row.severity && `is-${row.severity}-level`,
    isFound && "is-found",
    isChosen && "is-chosen",
    item === look.current && "is-current",
    group && "is-head",
  ];
  return (
    <div class={classes.filter(Boolean).join(" ")} data-row={at} data-item={item}>
      <Gutter row={row} look={look} />
      {group && <FoldMark group={group} item={item} />}
      {row.kind === "missing" ? <span class="log-missing">…</span> : <Content row={row} />}
      {group && <GroupFacts group={group} />}
    </div>
  );
}

function Content({ row }: { readonly row: LineRow | NoteRow }) {
  return (
    <span class="log-text">
      <Spans spans={row.spans} />
      {row.cut > 0 && <span class="mark log-beside">… {row.cut.toLocaleString("en")} more characters</span>}
    </span>
  );
}

/** Number and time. They are drawn by the style sheet, so that no selection holds them. */
function Gutter({ row, look }: { readonly row: LogRow; readonly look: RowLook }) {
  const { item } = row;
  const time =
    look.time === "off"
      ? undefined
      : row.kind === "missing"
        ? ""
        : rowTimeText(look.time, { previousMs: 0, ...row, startMs: look.startMs });
  return (
    <>
      {item > 0 && look.hrefOf ? (
        // biome-ignore lint/a11y/useAnchorContent: it is for the pointer; the key Y and the line prompt do the same
        <a class="log-number" href={look.hrefOf(item)} data-number={item} tabIndex={-1} aria-hidden="true" />
      ) : (
        <span class="log-number" {...(item > 0 ? { "data-number": item } : {})} aria-hidden="true" />
      )}
      {time !== undefined && <span class="log-time num" data-time={time} aria-hidden="true" />}
    </>
  );
}

function FoldMark({ group, item }: { readonly group: GroupHead; readonly item: number }) {
  return (
    <button
      type="button"
      class="log-fold log-beside"
      aria-expanded={!group.isFolded}
      aria-label={group.isFolded ? "Unfold the group" : "Fold the group"}
      tabIndex={-1}
      data-fold={item}
    >
      {group.isFolded ? "▸" : "▾"}
    </button>
  );
}

function GroupFacts({ group }: { readonly group: GroupHead }) {
  const { rows, tookMs, isOpen, hasFailed } = group;
  const facts = [
    `${rows.toLocaleString("en")} ${rows === 1 ? "line" : "lines"}`,
    tookMs > 0 && durationText(tookMs),
    isOpen && "running",
    hasFailed && "failed",
  ];
  return <span class="log-group-facts log-beside num">{facts.filter(Boolean).join(" · ")}</span>;
}
