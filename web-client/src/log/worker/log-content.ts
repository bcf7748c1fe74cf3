import type { FarLine, LogEntry } from "../log-messages.ts";
import { plainStyle } from "./ansi-style.ts";
import { ErrorIndex } from "./error-index.ts";
import { Groups, mayMark, readMark } from "./groups.ts";
import { type EndedLine, LineIntake } from "./line-intake.ts";
import { LineStore, type StoreLimits } from "./line-store.ts";
import { Notes } from "./notes.ts";
import { type Item, placeBehind, Sequence } from "./sequence.ts";

/** Everything a log holds, whoever looks at it: lines, notes between them, groups around them, errors among them. */
export class LogContent {
  readonly sequence = new Sequence();
  readonly notes = new Notes();
  readonly groups = new Groups();
  readonly store: LineStore;
  readonly intake: LineIntake;
  readonly errors: ErrorIndex;
  readonly #tools = new Map<string, { readonly item: Item; readonly title: string; readonly startMs: number }>();
  readonly #decoder = new TextDecoder();
  #totalLines = 0;
  #startMs = 0;
  #isOver = false;

  constructor(limits: StoreLimits) {
    this.store = new LineStore(limits);
    this.intake = new LineIntake(this.store, this.sequence, (line) => this.#readMark(line));
    this.errors = new ErrorIndex(this.intake);
  }

  /** Lines that there are, here or on their way. */
  get totalLines(): number {
    return this.#isOver ? this.intake.head : Math.max(this.#totalLines, this.intake.head);
  }

  /** When the first thing was told; 0 before. */
  get startMs(): number {
    return this.#startMs;
  }

  /** True when nothing more will come. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Says how many lines the gateway has. */
  expect(lines: number): void {
    this.#totalLines = Math.max(this.#totalLines, lines);
  }

  /** Takes lines that were read for a range; those the stream has brought meanwhile stay. */
  fill(range: { readonly from: number; readonly to: number }, lines: readonly FarLine[]): void {
    for (const { number, isError, timeMs, data } of lines) {
      if (!this.store.isMissing(number) || this.intake.line(number)) continue;
      const [bytes, cutBytes] = [data, 0];
      this.store.put(number, { bytes, isError, timeMs, style: plainStyle, cutBytes });
    }
    for (let number = range.from; number <= Math.min(range.to, this.intake.head); number++) {
      if (this.store.isMissing(number)) this.store.markAbsent(number);
    }
  }

  take(entry: LogEntry): void {
    if ("timeMs" in entry && this.#startMs === 0) this.#startMs = entry.timeMs;
    switch (entry.kind) {
      case "chunk":
        this.intake.take(entry);
        break;
      case "note":
        this.#note(entry.tone, entry.text, entry.timeMs);
        break;
      case "cut":
        this.intake.cut(entry.stream);
        break;
      case "toolCall":
        this.#tools.set(entry.id, {
          item: this.#beginTool(entry.title, entry.timeMs),
          title: entry.title,
          startMs: entry.timeMs,
        });
        break;
      case "toolResult":
        this.#endTool(entry);
        break;
      case "end":
        this.#finish(entry.hasFailed);
        break;
      default:
        entry satisfies never;
    }
  }

  #finish(hasFailed: boolean): void {
    this.intake.cut("both");
    this.groups.end(placeBehind(this.intake.head), 0);
    if (hasFailed) this.groups.fail();
    this.#isOver = true;
  }

  #note(tone: "quiet" | "warn" | "tool" | "output" | "failed", text: string, timeMs: number): Item {
    this.notes.add({ tone, text, timeMs });
    return this.sequence.addNote(this.intake.head);
  }

  #beginTool(title: string, timeMs: number): Item {
    const item = this.#note("tool", title, timeMs);
    const place = this.sequence.placeOf(item);
    this.groups.begin({ head: item, place, startMs: timeMs, isTool: true, staysOpen: false });
    return item;
  }

  #endTool({ id, text, hasFailed, timeMs }: Extract<LogEntry, { kind: "toolResult" }>): void {
    const tool = this.#tools.get(id);
    if (!tool) return;
    this.#tools.delete(id);
    const open = this.groups.all.at(-1);
    // Others may have begun meanwhile; then what this one said stands behind them, under its name.
    if (open?.head !== tool.item || open.to !== undefined) this.#beginTool(tool.title, tool.startMs);
    const lines = text === "" ? [] : text.replace(/\n$/, "").split("\n");
    let last = this.groups.all.at(-1)?.place ?? 0;
    for (const line of lines) {
      last = this.sequence.placeOf(this.#note(hasFailed ? "failed" : "output", line, timeMs));
      this.groups.grow();
    }
    if (hasFailed) this.groups.fail();
    this.groups.end(last, timeMs);
  }

  #readMark({ number, bytes, timeMs }: EndedLine): void {
    const mark = mayMark(bytes) ? readMark(this.#decoder.decode(bytes.subarray(0, 1_024))) : undefined;
    if (!mark) {
      this.groups.grow();
      return;
    }
    if (mark.kind === "begin") {
      const place = this.sequence.placeOf(number);
      this.groups.begin({ head: number, place, startMs: timeMs, isTool: false, staysOpen: mark.staysOpen });
      return;
    }
    // A mark that begins nothing says nothing to a reader.
    this.sequence.removeLine(number);
    if (mark.kind === "end") this.groups.end(this.sequence.placeOf(number), timeMs);
    else this.groups.fail();
  }
}
