import { TerminalRow, terminalTokens } from "#protocol/terminal-line.ts";
import { type AnsiStyle, plainStyle, styleSequence } from "./ansi-style.ts";
import { styleAfter } from "./line-spans.ts";

/** Rows that a program can still go back to, as on a terminal of this height. */
const height = 100;

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const lineMove = /(?:\x1b\[|\x9b)[0-9]*[ABEFJ]/;

/** True when a line moves the cursor to other lines, or erases them. */
export function movesLines(text: string): boolean {
  return lineMove.test(text);
}

/** The part of an unfinished line before it moves to others. */
export function untilLineMove(text: string): string {
  const at = text.search(lineMove);
  return at < 0 ? text : text.slice(0, at);
}

/** A line as it was stored. */
export interface DrawnLine {
  readonly text: string;
  readonly style: AnsiStyle;
}

/** What drawing a line came to. */
export interface Drawing {
  /** Rows that look different now, by the number of the line they belong to. */
  readonly changed: ReadonlyMap<number, string>;
  /** The style in which the stream goes on. */
  readonly end: AnsiStyle;
}

/** The last rows of a stream as a terminal has them: where its cursor stands, and which line each row belongs to. */
export class Screen {
  #rows: number[] = [];
  #at = 0;

  /** True while lines follow one another, as in most output. */
  get isAtEnd(): boolean {
    return this.#at === this.#rows.length;
  }

  /** Takes a line that only adds a row. */
  push(number: number): void {
    this.#rows.push(number);
    if (this.#rows.length > 2 * height) this.#rows = this.#rows.slice(-height);
    this.#at = this.#rows.length;
  }

  /** True when a row belongs to the line. */
  shows(number: number): boolean {
    return this.#rows.includes(number);
  }

  /** Draws a line that goes to other rows, or begins above the last one. */
  draw(number: number, { text, style: start }: DrawnLine, load: (owner: number) => DrawnLine): Drawing {
    this.#trim();
    const rows = new Map<number, TerminalRow<AnsiStyle>>();
    const nowhere = new TerminalRow<AnsiStyle>();
    const rowAt = (at: number) => {
      const owner = this.#rows[at];
      if (owner === undefined) return undefined;
      const row = rows.get(owner) ?? toRow(load(owner));
      rows.set(owner, row);
      return row;
    };
    const claim = () => {
      rows.set(number, new TerminalRow());
      this.#rows.push(number);
    };
    let style = start;
    let column = 0;
    for (const token of terminalTokens(text)) {
      style = styleAfter(style, token);
      if (token.kind === "text" && this.isAtEnd) claim();
      if (token.kind === "sequence" && "ABEF".includes(token.final) && token.final !== "") {
        this.#move(token.final, token.parameters);
        if (token.final === "E" || token.final === "F") column = 0;
        continue;
      }
      const row = rowAt(this.#at) ?? nowhere;
      row.column = column;
      row.take(token, style);
      column = row.column;
      if (token.kind === "sequence" && token.final === "J" && token.parameters !== "1") {
        for (let below = this.#at + 1; below < this.#rows.length; below++) {
          rowAt(below)?.take({ kind: "sequence", parameters: "2", final: "K" }, style);
        }
      }
    }
    if (this.isAtEnd) claim();
    this.#at++;
    return { changed: new Map([...rows].map(([owner, row]) => [owner, toText(row)])), end: style };
  }

  #move(final: string, parameters: string): void {
    const count = Math.max(1, Number.parseInt(parameters, 10) || 1);
    const at = final === "A" || final === "F" ? this.#at - count : this.#at + count;
    this.#at = Math.min(this.#rows.length, Math.max(0, at));
  }

  #trim(): void {
    const gone = Math.max(0, Math.min(this.#rows.length - height, this.#at));
    this.#rows = this.#rows.slice(gone);
    this.#at -= gone;
  }
}

function toRow({ text, style: start }: DrawnLine): TerminalRow<AnsiStyle> {
  const row = new TerminalRow<AnsiStyle>();
  let style = start;
  for (const token of terminalTokens(text)) {
    style = styleAfter(style, token);
    row.take(token, style);
  }
  return row;
}

/** The row as text with sequences, to be read from the plain style. */
function toText(row: TerminalRow<AnsiStyle>): string {
  return row.runs
    .map(({ text, style }) => (style && style !== plainStyle ? styleSequence(style) + text : `\x1b[0m${text}`))
    .join("");
}
