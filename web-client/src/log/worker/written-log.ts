import type { LogEntry } from "../log-messages.ts";
import type { LogRow } from "../log-row.ts";
import { layOut } from "./layout.ts";
import { type StoreLimits, storeLimits } from "./line-store.ts";
import { LogContent } from "./log-content.ts";
import { readRow } from "./row-reader.ts";

/** A log that tests write to, read from top to bottom with nothing folded. */
export class WrittenLog {
  readonly content: LogContent;

  constructor(limits: StoreLimits = storeLimits) {
    this.content = new LogContent(limits);
  }

  write = (entry: LogEntry): void => {
    this.content.take(entry);
  };

  /** Writes output. */
  print(
    text: string | Uint8Array,
    { line, isError = false }: { readonly line: number; readonly isError?: boolean },
  ): void {
    const data = typeof text === "string" ? new TextEncoder().encode(text) : text;
    this.write({ kind: "chunk", isError, firstLine: line, timeMs: 1_000, data });
  }

  get rows(): readonly LogRow[] {
    const layout = layOut(this.content.sequence, { kind: "without", stretches: [] }, { first: 0, count: 0 });
    const reader = { search: undefined, mostCharacters: 10_000, mayFold: 0 };
    return Array.from({ length: layout.rowCount }, (_, row) => readRow(this.content, layout.itemAt(row) ?? 0, reader));
  }

  /** What each row says. */
  get texts(): readonly string[] {
    return this.rows.map(textOfRow);
  }
}

/** What a row says, without its look. */
export function textOfRow(row: LogRow): string {
  return row.kind === "missing" ? "?" : row.spans.map(({ text }) => text).join("");
}
