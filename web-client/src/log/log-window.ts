import { type ReadonlySignal, signal } from "@preact/signals";
import type { Log, LogPort } from "./log.ts";
import type { Frame } from "./log-messages.ts";
import type { LogRow } from "./log-row.ts";
import { RowHeights, rowHeightPx } from "./row-heights.ts";
import { ScrollScale } from "./scroll-scale.ts";

const rowsAround = 16;
/** Rows that a selection keeps drawn, so that it can be scrolled through. */
const mostSelectedRows = 2_000;
/** A longer line is cut on screen, or laying it out would hold up the page. */
const shownCharacters = { cut: 2_000, wrapped: 20_000 };

/** The part of a log that is drawn. The element it is drawn in is scrolled by its reader; the end is followed until then. */
export class LogWindow {
  readonly heights = new RowHeights();
  readonly #port: LogPort;
  readonly #scale = new ScrollScale();
  readonly #frame = signal<Frame>();
  readonly #isFollowing = signal(true);
  readonly #isWrapped = signal(false);
  /** Grows when rows moved without a new frame. */
  readonly #moved = signal(0);
  #element: HTMLElement | undefined;
  #asked: { readonly anchorRow: number; readonly first: number; readonly count: number } | undefined;
  #isAsking = false;
  #pausedLines = 0;
  #target: { readonly row: number; readonly version: number } | undefined;

  constructor(log: Log) {
    this.#port = log.openView((frame) => this.#take(frame));
  }

  /** What is drawn. */
  get frame(): ReadonlySignal<Frame | undefined> {
    return this.#frame;
  }

  get isFollowing(): ReadonlySignal<boolean> {
    return this.#isFollowing;
  }

  get isWrapped(): ReadonlySignal<boolean> {
    return this.#isWrapped;
  }

  get moved(): ReadonlySignal<number> {
    return this.#moved;
  }

  get port(): LogPort {
    return this.#port;
  }

  /** Height of the space to scroll in, and where in it the first row drawn stands. */
  get space(): { readonly height: number; readonly top: number } {
    const first = this.#frame.peek()?.first ?? 0;
    return { height: this.#scale.height, top: this.heights.top(first) - this.#scale.offset };
  }

  /** Lines that came since the end was left. */
  get newLines(): number {
    return Math.max(0, (this.#frame.peek()?.facts.totalLines ?? 0) - this.#pausedLines);
  }

  /** The line in view that a reader would say they look at. */
  get lineInView(): number {
    const { first = 0, rows = [] } = this.#frame.peek() ?? {};
    const top = this.heights.rowAt(this.#scale.top);
    return rows.slice(Math.max(0, top - first)).find(({ item }) => item > 0)?.item ?? 1;
  }

  /** Draws into an element from now on. */
  attach(element: HTMLElement): () => void {
    this.#element = element;
    const resized = new ResizeObserver(() => {
      this.heights.clear();
      this.#resize();
      this.#settle();
    });
    resized.observe(element);
    this.#look(0);
    return () => {
      resized.disconnect();
      this.#element = undefined;
      this.#port.close();
    };
  }

  /** Hears that the element was scrolled. */
  scrolled(): void {
    const element = this.#element;
    if (!element) return;
    const before = this.#scale.top;
    const correction = this.#scale.scrolled(element.scrollTop);
    if (correction !== undefined) element.scrollTop = correction;
    if (this.#scale.isAtEnd) this.#isFollowing.value = true;
    else if (this.#scale.top < before) this.pause();
    if (correction !== undefined || this.#scale.offset !== 0) this.#moved.value++;
    if (!this.#covers()) this.#look(0);
  }

  /** Shows the end, and keeps it in view. */
  follow(): void {
    this.#isFollowing.value = true;
    this.#look(0);
  }

  /** Lets the log grow without moving it. */
  pause(): void {
    if (!this.#isFollowing.peek()) return;
    this.#pausedLines = this.#frame.peek()?.facts.totalLines ?? 0;
    this.#isFollowing.value = false;
  }

  /** Shows a row as it stands in a frame that is here or comes, in the middle unless it is in view already. */
  show(target: { readonly row: number; readonly version: number }): void {
    this.pause();
    this.#target = target;
    this.#look(0);
  }

  /** Goes to the first row. */
  toStart(): void {
    this.show({ row: 0, version: 0 });
  }

  setWrapped(isWrapped: boolean): void {
    this.#isWrapped.value = isWrapped;
    this.heights.clear();
    this.#look(0);
  }

  /** Says that rows may stand elsewhere now, because groups were folded or a filter was set. */
  rearranged(): void {
    this.heights.clear();
    this.#look(0);
  }

  /** After the rows were drawn: measures wrapped ones, and puts the scroll position where it belongs. */
  drawn(): void {
    if (this.#isWrapped.peek() && this.#measure()) this.#moved.value++;
    this.#settle();
  }

  #take(frame: Frame): void {
    this.#isAsking = false;
    const { anchorRow = -1 } = this.#asked ?? {};
    const shift = anchorRow >= 0 && frame.anchorRow >= 0 ? frame.anchorRow - anchorRow : 0;
    if (shift !== 0) this.heights.clear();
    const top = this.#scale.top + shift * rowHeightPx;
    this.#frame.value = frame;
    // Who began somewhere else than at the end is told of what comes from now on.
    this.#pausedLines ||= frame.facts.totalLines;
    this.#resize();
    if (!this.#isFollowing.peek() && !this.#target && shift !== 0) this.#moveTo(top);
    requestAnimationFrame(() => this.#look(frame.version));
  }

  #look(known: number): void {
    if (!this.#element) return;
    if (this.#isAsking && known > 0) return;
    this.#isAsking = true;
    const { first, count } = this.#wanted();
    const top = this.heights.rowAt(this.#scale.top);
    const anchor = this.#isFollowing.peek() ? undefined : this.#rowAt(top);
    this.#asked = { anchorRow: anchor ? top : -1, first, count };
    this.#port.look({
      known: known > 0 && this.#covers() ? known : 0,
      first,
      count,
      atEnd: this.#isFollowing.peek(),
      anchor: anchor?.item ?? 0,
      mostCharacters: this.#isWrapped.peek() ? shownCharacters.wrapped : shownCharacters.cut,
    });
  }

  /** The rows to draw: those in view, some around them, and those of a selection. */
  #wanted(): { readonly first: number; readonly count: number } {
    const height = this.#element?.clientHeight ?? 0;
    const top = this.#target?.row ?? this.heights.rowAt(this.#scale.top);
    const inView = Math.ceil(height / rowHeightPx) + 1;
    const around = this.#target ? rowsAround + inView : rowsAround;
    const [first, last] = [Math.max(0, top - around), top + inView + around];
    const selected = this.#selectedRows();
    if (!selected || Math.max(last, selected.last) - Math.min(first, selected.first) > mostSelectedRows) {
      return { first, count: last - first };
    }
    const from = Math.min(first, selected.first);
    return { first: from, count: Math.max(last, selected.last + 1) - from };
  }

  #selectedRows(): { readonly first: number; readonly last: number } | undefined {
    const selection = getSelection();
    if (!selection || selection.isCollapsed || !this.#element?.contains(selection.anchorNode)) return undefined;
    const rows = [selection.anchorNode, selection.focusNode].map(rowOfNode).filter((row) => row >= 0);
    return rows.length === 0 ? undefined : { first: Math.min(...rows), last: Math.max(...rows) };
  }

  /** True when the rows in view are drawn. */
  #covers(): boolean {
    const frame = this.#frame.peek();
    if (!frame || this.#isFollowing.peek()) return frame !== undefined;
    const top = this.heights.rowAt(this.#scale.top);
    const bottom = Math.min(frame.rowCount, top + Math.ceil((this.#element?.clientHeight ?? 0) / rowHeightPx) + 1);
    const spare = Math.floor(rowsAround / 2);
    return (
      frame.first <= Math.max(0, top - spare) &&
      frame.first + frame.rows.length >= Math.min(frame.rowCount, bottom + spare)
    );
  }

  /** A row that is drawn. */
  #rowAt(row: number): LogRow | undefined {
    const frame = this.#frame.peek();
    return frame && row >= frame.first ? frame.rows[row - frame.first] : undefined;
  }

  #resize(): void {
    const element = this.#element;
    const rowCount = this.#frame.peek()?.rowCount ?? 0;
    if (element) this.#scale.resize(this.heights.top(rowCount), element.clientHeight);
  }

  #measure(): boolean {
    const frame = this.#frame.peek();
    if (!frame || !this.#element) return false;
    const top = this.heights.rowAt(this.#scale.top);
    const inRow = this.#scale.top - this.heights.top(top);
    let hasChanged = false;
    for (const row of this.#element.querySelectorAll<HTMLElement>("[data-row]")) {
      if (this.heights.set(Number(row.dataset.row), row.offsetHeight)) hasChanged = true;
    }
    if (!hasChanged) return false;
    this.#resize();
    this.#moveTo(this.heights.top(top) + inRow);
    return true;
  }

  #settle(): void {
    const target = this.#target;
    const frame = this.#frame.peek();
    if (target && frame && frame.version >= target.version && isDrawn(frame, target.row)) {
      this.#target = undefined;
      this.#center(target.row);
    } else if (this.#isFollowing.peek()) this.#moveTo(Number.POSITIVE_INFINITY);
  }

  #center(row: number): void {
    const height = this.#element?.clientHeight ?? 0;
    const top = this.heights.top(row);
    const isInView = top >= this.#scale.top && top + rowHeightPx <= this.#scale.top + height;
    if (!isInView) this.#moveTo(top - (height - rowHeightPx) / 2);
    if (!this.#covers()) this.#look(0);
  }

  #moveTo(top: number): void {
    const element = this.#element;
    if (!element) return;
    const { offset } = this.#scale;
    element.scrollTop = this.#scale.moveTo(top);
    if (this.#scale.offset !== offset) this.#moved.value++;
  }
}

function isDrawn({ first, rows }: Frame, row: number): boolean {
  return row >= first && row < first + Math.max(1, rows.length);
}

function rowOfNode(node: Node | null): number {
  const element = node instanceof Element ? node : node?.parentElement;
  return Number(element?.closest<HTMLElement>("[data-row]")?.dataset.row ?? -1);
}
