import type { GroupHead, LogRow } from "../log-row.ts";
import { plainStyle } from "./ansi-style.ts";
import { readMark } from "./groups.ts";
import { readLine, type StyledText, toSpans } from "./line-spans.ts";
import type { LogContent } from "./log-content.ts";
import type { Search } from "./search.ts";
import type { Item } from "./sequence.ts";
import { severityOf } from "./severity.ts";

/** Who looks at a row. */
export interface Reader {
  readonly search: Search | undefined;
  readonly mostCharacters: number;
  /** As in Groups.isFolded. */
  readonly mayFold: number;
}

/** The row of an item as a reader sees it. */
export function readRow(content: LogContent, item: Item, reader: Reader): LogRow {
  const base = { item, isFound: isFound(item, reader.search), ...groupHead(content, item, reader.mayFold) };
  return item < 0 ? readNote(content, base, reader) : readOutput(content, base, reader);
}

type Base = Pick<LogRow, "item" | "isFound" | "group">;

function readNote({ notes }: LogContent, base: Base, reader: Reader): LogRow {
  const { tone = "quiet", text = "", timeMs = 0 } = notes.at(base.item) ?? {};
  return { ...base, kind: "note", tone, timeMs, ...shown(readLine(text, plainStyle).runs, reader) };
}

function readOutput({ intake, store }: LogContent, base: Base, reader: Reader): LogRow {
  const line = intake.line(base.item);
  if (!line) return { ...base, kind: "missing" };
  const { text, isError, timeMs, style, cutBytes } = line;
  const { runs } = readLine(text, style);
  const mark = base.group ? readMark(text) : undefined;
  const { spans, cut } = shown(mark?.kind === "begin" ? [{ text: mark.title, style }] : runs, reader);
  const severity = severityOf(runs.map((run) => run.text).join(""));
  const previousMs = store.timeOf(base.item - 1);
  return { ...base, kind: "line", isError, timeMs, previousMs, severity, spans, cut: cut + cutBytes };
}

function shown(runs: readonly StyledText[], { search, mostCharacters: most }: Reader) {
  const hits = search?.hits(runs.map(({ text }) => text).join("")) ?? [];
  return toSpans(runs, { most, hits });
}

function isFound(item: Item, search: Search | undefined): boolean {
  if (!search) return false;
  return item > 0 ? search.lines.has(item) : search.notes.includes(-item - 1);
}

function groupHead({ groups, sequence }: LogContent, item: Item, mayFold: number): { readonly group?: GroupHead } {
  const group = groups.around(sequence.placeOf(item));
  if (group?.head !== item) return {};
  const { to, startMs, endMs, hasFailed, rows } = group;
  const tookMs = endMs > 0 ? endMs - startMs : 0;
  return {
    group: { isFolded: groups.isFolded(group, mayFold), isOpen: to === undefined, hasFailed, rows, tookMs },
  };
}
