import type { LogQuery } from "./log-query.ts";
import type { LogRow } from "./log-row.ts";

/** What a job's stream tells of its log, in order. */
export type LogEntry =
  | {
      readonly kind: "chunk";
      readonly isError: boolean;
      readonly firstLine: number;
      readonly timeMs: number;
      readonly data: Uint8Array;
    }
  | { readonly kind: "note"; readonly tone: "quiet" | "warn"; readonly text: string; readonly timeMs: number }
  /** Output is missing here: lines that are unfinished stay so. */
  | { readonly kind: "cut"; readonly stream: "output" | "errors" | "both" }
  | { readonly kind: "toolCall"; readonly id: string; readonly title: string; readonly timeMs: number }
  | {
      readonly kind: "toolResult";
      readonly id: string;
      readonly text: string;
      readonly hasFailed: boolean;
      readonly timeMs: number;
    }
  | { readonly kind: "end"; readonly hasFailed: boolean };

/** A stored line as the gateway reads it. */
export interface FarLine {
  readonly number: number;
  readonly isError: boolean;
  readonly timeMs: number;
  readonly data: Uint8Array;
}

/** What a view wants to see. It is answered once there is something newer than what it knows, or another window. */
export interface Look {
  readonly view: number;
  /** Version of the frame it has; 0 to be answered at once. */
  readonly known: number;
  readonly first: number;
  readonly count: number;
  /** Show the last rows, whichever they are. */
  readonly atEnd: boolean;
  /** The item whose row it wants to know, because its reader looks at it. */
  readonly anchor: number;
  /** Most characters of a line. */
  readonly mostCharacters: number;
}

/** What a view shows. */
export interface Frame {
  readonly view: number;
  readonly version: number;
  readonly rowCount: number;
  readonly first: number;
  readonly rows: readonly LogRow[];
  /** Row of the anchor, or of the nearest one above; -1 when there is none. */
  readonly anchorRow: number;
  readonly facts: LogFacts;
  readonly search: SearchFacts | undefined;
}

/** What is known of a log as a whole. */
export interface LogFacts {
  /** Lines begun, and lines that are known to be stored; more while this reader is behind. */
  readonly lines: number;
  readonly totalLines: number;
  /** First line of the unbroken stretch at the end that is held; 0 when none is. */
  readonly heldFrom: number;
  readonly startMs: number;
  readonly errors: number;
  readonly groups: number;
  readonly foldedGroups: number;
  readonly isOver: boolean;
}

/** How a search stands. */
export interface SearchFacts {
  readonly count: number;
  readonly isDone: boolean;
  readonly failure: string;
  readonly isFiltering: boolean;
  /** Where matches are: one byte for each part of the view from top to bottom, 1 when it has some. */
  readonly ticks: Uint8Array;
}

/** Somewhere to go. */
export type Target =
  | { readonly kind: "line"; readonly line: number }
  | { readonly kind: "match" | "error" | "group"; readonly from: number; readonly step: 1 | -1 };

/** Where a target was found. */
export interface Found {
  readonly item: number;
  readonly row: number;
  /** The first frame in which it stands there. */
  readonly version: number;
  /** For a match: how many stand before it. */
  readonly before: number;
}

/** How lines are copied. */
export type CopyFormat = "plain" | "ansi";

/** What the page tells the worker. */
export type ToWorker =
  | { readonly kind: "entries"; readonly entries: readonly LogEntry[] }
  | { readonly kind: "total"; readonly lines: number }
  | ({ readonly kind: "look" } & Look)
  | { readonly kind: "close"; readonly view: number }
  | { readonly kind: "fold"; readonly head: number; readonly isFolded: boolean }
  | { readonly kind: "foldAll"; readonly view: number }
  | { readonly kind: "search"; readonly view: number; readonly query: LogQuery | undefined }
  | { readonly kind: "filter"; readonly view: number; readonly isOn: boolean }
  | { readonly kind: "goTo"; readonly call: number; readonly view: number; readonly target: Target }
  | {
      readonly kind: "text";
      readonly call: number;
      readonly from: number;
      readonly to: number;
      readonly format: CopyFormat;
    }
  | { readonly kind: "lines"; readonly from: number; readonly to: number; readonly lines: readonly FarLine[] }
  | {
      readonly kind: "farMatches";
      readonly call: number;
      readonly numbers: readonly number[];
      readonly failure: string;
    };

/** What the worker tells the page. */
export type FromWorker =
  | ({ readonly kind: "frame" } & Frame)
  | { readonly kind: "found"; readonly call: number; readonly found: Found | undefined }
  | { readonly kind: "textRead"; readonly call: number; readonly text: string }
  | { readonly kind: "needLines"; readonly from: number; readonly to: number }
  | {
      readonly kind: "needMatches";
      readonly call: number;
      readonly query: LogQuery;
      readonly from: number;
      readonly to: number;
    };
