/**
 * What a terminal makes of a line of output: escape sequences show nothing, and carriage returns, cursor moves and erasing
 * leave the last state of what was drawn over. Whoever shows or searches lines does it alike.
 */

/** A piece of a line: text, or something that a terminal obeys. */
export type TerminalToken =
  | { readonly kind: "text"; readonly text: string }
  /** A control sequence such as `ESC [ 2 K`: parameters `2`, final `K`; final is empty when the line ended first. */
  | { readonly kind: "sequence"; readonly parameters: string; readonly final: string }
  /** A string such as a title or a link, without its introducer and end. */
  | { readonly kind: "string"; readonly text: string }
  | { readonly kind: "return" }
  | { readonly kind: "backspace" }
  | { readonly kind: "other" };

// Each may be cut off by the end of the line. A carriage return at the end belongs to the line's end.
const escapes =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~]?)|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])([^\x07\x1b\x9c]*)(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]?|\r+$|\r|\x08/g;

/** The pieces of a line, in order. */
export function* terminalTokens(line: string): Generator<TerminalToken> {
  let at = 0;
  for (const match of line.matchAll(escapes)) {
    if (match.index > at) yield { kind: "text", text: line.slice(at, match.index) };
    at = match.index + match[0].length;
    yield tokenOf(match);
  }
  if (at < line.length) yield { kind: "text", text: line.slice(at) };
}

function tokenOf([all, parameters, final, text]: RegExpMatchArray): TerminalToken {
  if (parameters !== undefined) return { kind: "sequence", parameters, final: final ?? "" };
  if (text !== undefined) return { kind: "string", text };
  if (all === "\b") return { kind: "backspace" };
  if (all === "\r") return { kind: "return" };
  return { kind: "other" };
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const anyControl = /[\x08\r\x1b\x90\x98\x9b\x9d-\x9f]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const anyMove = /\r(?!\r*$)|\x08|(?:\x1b\[|\x9b)[0-?]*[ -/]*[CDGJKP]/;

/** True when a line draws over itself. */
export function drawsOver(line: string): boolean {
  return anyMove.test(line);
}

/** The text that a line shows in the end, without its look. */
export function visibleText(line: string): string {
  if (!anyControl.test(line)) return line;
  if (!drawsOver(line)) return line.replace(escapes, "");
  const row = new TerminalRow<undefined>();
  for (const token of terminalTokens(line)) row.take(token, undefined);
  return row.text;
}

/** A run of cells of one style. */
export interface StyledRun<Style> {
  readonly text: string;
  readonly style: Style;
}

const maxColumns = 65_536;

/** One row of a terminal: what was written last in each column, and how it looks. A column holds one code point. */
export class TerminalRow<Style> {
  readonly #cells: string[] = [];
  readonly #styles: (Style | undefined)[] = [];
  #column = 0;

  /** The text of the row. */
  get text(): string {
    return this.#cells.join("");
  }

  /** The row as runs of one style; cells that were jumped over have none. */
  get runs(): readonly StyledRun<Style | undefined>[] {
    const runs: { text: string; style: Style | undefined }[] = [];
    this.#cells.forEach((text, at) => {
      const style = this.#styles[at];
      const last = runs.at(-1);
      if (last && last.style === style) last.text += text;
      else runs.push({ text, style });
    });
    return runs;
  }

  /** Where the next text is written. */
  get column(): number {
    return this.#column;
  }

  set column(column: number) {
    this.#column = column;
  }

  /** Obeys a piece of a line; text is written in the style given. */
  take(token: TerminalToken, style: Style): void {
    if (token.kind === "text") this.#write(token.text, style);
    else if (token.kind === "return") this.#column = 0;
    else if (token.kind === "backspace") this.#column = Math.max(0, this.#column - 1);
    else if (token.kind === "sequence") this.#obey(token.final, token.parameters);
  }

  #write(text: string, style: Style): void {
    for (const character of text) {
      if (this.#column >= maxColumns) return;
      while (this.#cells.length < this.#column) this.#put(this.#cells.length, " ", undefined);
      this.#put(this.#column++, character, style);
    }
  }

  #put(column: number, character: string, style: Style | undefined): void {
    this.#cells[column] = character;
    this.#styles[column] = style;
  }

  #obey(final: string, parameters: string): void {
    const count = Math.min(maxColumns, Number.parseInt(parameters, 10) || 0);
    if (final === "C") this.#column = Math.min(maxColumns, this.#column + Math.max(1, count));
    else if (final === "D") this.#column = Math.max(0, this.#column - Math.max(1, count));
    else if (final === "G") this.#column = Math.max(0, count - 1);
    else if (final === "P") this.#delete(this.#column, Math.max(1, count));
    else if (final === "K" || final === "J") this.#erase(count);
  }

  #erase(part: number): void {
    if (part === 0) this.#cut(this.#column);
    else if (part === 1) for (let at = 0; at <= this.#column; at++) this.#blank(at);
    else this.#cut(0);
  }

  #blank(column: number): void {
    if (column < this.#cells.length) this.#put(column, " ", undefined);
  }

  #cut(column: number): void {
    this.#cells.length = Math.min(this.#cells.length, column);
    this.#styles.length = this.#cells.length;
  }

  #delete(column: number, count: number): void {
    this.#cells.splice(column, count);
    this.#styles.splice(column, count);
  }
}
