/** A run of text that looks one way. All of it comes from outside: it is shown as text nodes only. */
export interface Span {
  readonly text: string;
  /** "#rrggbb"; absent for the log's own colours. */
  readonly colour?: string;
  readonly ground?: string;
  /** Class names, such as "ansi-bold". */
  readonly classes?: string;
  /** Where a link leads: http or https. */
  readonly href?: string;
  /** True for what stands for a character that would hide or reorder others. */
  readonly isMark?: boolean;
  /** True for what a search found. */
  readonly isHit?: boolean;
}

/** How grave a line is by its words. */
export type Severity = "error" | "warning" | "debug" | undefined;

/** What a row says when a group of lines begins with it. */
export interface GroupHead {
  readonly isFolded: boolean;
  readonly isOpen: boolean;
  readonly hasFailed: boolean;
  readonly rows: number;
  readonly tookMs: number;
}

/** What every row has: the item it shows, a line by its number or a note by its negative place among the notes. */
interface RowBase {
  readonly item: number;
  /** True when the search found the row. */
  readonly isFound: boolean;
  readonly group?: GroupHead;
}

/** A line of output. */
export interface LineRow extends RowBase {
  readonly kind: "line";
  readonly isError: boolean;
  readonly timeMs: number;
  /** Time of the line before it; 0 when that is not known. */
  readonly previousMs: number;
  readonly severity: Severity;
  readonly spans: readonly Span[];
  /** Characters that are not shown. */
  readonly cut: number;
}

/** How a note looks: what happened around the output, a gap in it, or what an agent's tool did. */
export type NoteTone = "quiet" | "warn" | "tool" | "output" | "failed";

/** Something about the output, in its place. */
export interface NoteRow extends RowBase {
  readonly kind: "note";
  readonly tone: NoteTone;
  readonly timeMs: number;
  readonly spans: readonly Span[];
  readonly cut: number;
}

/** A line that is not here yet. */
export interface MissingRow extends RowBase {
  readonly kind: "missing";
}

/** A row of the log as it is shown. */
export type LogRow = LineRow | NoteRow | MissingRow;
