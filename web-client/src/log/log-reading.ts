import { type Signal, signal } from "@preact/signals";
import type { LineRange } from "./far-log.ts";
import type { Log } from "./log.ts";
import type { Found } from "./log-messages.ts";
import type { LogQuery } from "./log-query.ts";
import { LogWindow } from "./log-window.ts";
import { nextTimeShown, type TimeShown } from "./row-time.ts";

/** What a reader asks for in the bar above the log. */
export type Prompt = "none" | "search" | "line";

/** One reader of a log: where they are, what they look for, and how they want to see it. */
export class LogReading {
  readonly window: LogWindow;
  readonly prompt: Signal<Prompt> = signal<Prompt>("none");
  readonly query = signal<LogQuery>({ text: "", isExpression: false, matchCase: false });
  /** What was typed into the line prompt. */
  readonly lineText = signal("");
  readonly isFiltering = signal(false);
  readonly time = signal<TimeShown>("off");
  readonly isText = signal(false);
  readonly announces = signal(false);
  /** The item that a key or the address went to last; 0 before. */
  readonly current = signal(0);
  /** How many matches stand before the current one; undefined when it is none. */
  readonly matchAt = signal<number>();
  #wantedLine = 0;
  #typedAhead = "";

  constructor(log: Log) {
    this.window = new LogWindow(log);
  }

  /** Shows a line as soon as the log has it. */
  async goToLine(line: number): Promise<void> {
    this.#wantedLine = line;
    this.window.pause();
    const found = await this.window.port.goTo({ kind: "line", line });
    const hasIt = (this.window.frame.peek()?.facts.totalLines ?? 0) >= line;
    if (this.#wantedLine !== line || !found || (found.item !== line && !hasIt)) return;
    this.#wantedLine = 0;
    this.#show(found);
  }

  /** Tries again to show a line that was not there yet. */
  retryLine(): void {
    if (this.#wantedLine > 0) void this.goToLine(this.#wantedLine);
  }

  /** Goes to the next or last match, error or group, seen from where the reader is; behind the last comes the first. */
  async step(kind: "match" | "error" | "group", step: 1 | -1): Promise<void> {
    const { port, frame, lineInView } = this.window;
    const from = this.current.peek() || lineInView + (step > 0 && kind !== "group" ? -1 : 0);
    const around = step > 0 ? 0 : (frame.peek()?.facts.totalLines ?? 0) + 1;
    const found = (await port.goTo({ kind, from, step })) ?? (await port.goTo({ kind, from: around, step }));
    if (!found) return;
    this.matchAt.value = kind === "match" ? found.before : undefined;
    this.#show(found);
  }

  /** Looks for something else, or for nothing. */
  search(query: LogQuery): void {
    this.query.value = query;
    this.matchAt.value = undefined;
    this.window.pause();
    this.window.port.search(query.text === "" ? undefined : query);
  }

  openPrompt(prompt: Prompt): void {
    this.prompt.value = prompt;
    this.lineText.value = "";
    this.#typedAhead = "";
    if (prompt === "search") this.window.port.search(this.query.peek().text === "" ? undefined : this.query.peek());
  }

  /** Takes a character that was typed before the prompt's field had the focus. */
  typeAhead(character: string): void {
    this.#typedAhead += character;
    if (this.prompt.peek() === "line") this.lineText.value = this.#typedAhead;
    else this.search({ ...this.query.peek(), text: this.#typedAhead });
  }

  /** True when the prompt's field begins with what was typed for it. */
  get hasTypedAhead(): boolean {
    return this.#typedAhead !== "";
  }

  closePrompt(): void {
    if (this.prompt.peek() === "search") {
      this.window.port.search(undefined);
      if (this.isFiltering.peek()) this.toggleFilter();
    }
    this.prompt.value = "none";
  }

  toggleFilter(): void {
    this.isFiltering.value = !this.isFiltering.peek();
    this.window.port.filter(this.isFiltering.peek());
    this.window.rearranged();
  }

  /** Folds every group, or unfolds them when all are folded. */
  foldAll(): void {
    this.window.port.foldAll();
    this.window.rearranged();
  }

  fold(head: number, isFolded: boolean): void {
    this.window.port.fold(head, isFolded);
    this.window.rearranged();
  }

  cycleTime(): void {
    this.time.value = nextTimeShown(this.time.peek());
  }

  /** The lines to copy: those chosen, or all. */
  copyRange(chosen: LineRange | undefined): LineRange {
    return chosen ?? { from: 1, to: this.window.frame.peek()?.facts.totalLines ?? 0 };
  }

  #show(found: Found): void {
    this.current.value = found.item;
    this.window.show(found);
  }
}
