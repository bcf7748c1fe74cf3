/** How terminal text looks: colours 0 to 15, and attributes. It carries on from one line of a stream to the next. */
export interface AnsiStyle {
  readonly foreground?: number;
  readonly background?: number;
  readonly attributes: ReadonlySet<Attribute>;
}

type Attribute = "bold" | "dim" | "italic" | "underline" | "inverse" | "strike";

/** A run of text in one style. */
export interface AnsiSpan {
  readonly text: string;
  readonly style: AnsiStyle;
}

/** Text without any colour or attribute. */
export const plainStyle: AnsiStyle = { attributes: new Set() };

// A control sequence, a string such as a title or link, or any other escape; each may be cut off by the end of the line.
const escapes =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~]?)|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?|\x1b[ -/]*[0-~]?/g;

/** Reads a line that begins in a style: colours and attributes become spans, every other escape is dropped. */
export function readAnsi(
  line: string,
  start: AnsiStyle,
): { readonly spans: readonly AnsiSpan[]; readonly end: AnsiStyle } {
  const spans: AnsiSpan[] = [];
  let style = start;
  let at = 0;
  for (const match of line.matchAll(escapes)) {
    if (match.index > at) spans.push({ text: line.slice(at, match.index), style });
    at = match.index + match[0].length;
    const [, parameters, final] = match;
    if (final === "m" && parameters !== undefined) style = applySgr(style, parameters);
  }
  if (at < line.length) spans.push({ text: line.slice(at), style });
  return { spans, end: style };
}

/** The class names a style is drawn with; empty for plain text. */
export function styleClasses({ foreground, background, attributes }: AnsiStyle): string {
  const classes = [...attributes].map((attribute) => `ansi-${attribute}`);
  if (foreground !== undefined) classes.push(`ansi-fg-${foreground}`);
  if (background !== undefined) classes.push(`ansi-bg-${background}`);
  return classes.join(" ");
}

const switchedOn: Readonly<Record<number, Attribute>> = {
  1: "bold",
  2: "dim",
  3: "italic",
  4: "underline",
  7: "inverse",
  9: "strike",
};

const switchedOff: Readonly<Record<number, readonly Attribute[]>> = {
  22: ["bold", "dim"],
  23: ["italic"],
  24: ["underline"],
  27: ["inverse"],
  29: ["strike"],
};

function applySgr(style: AnsiStyle, parameters: string): AnsiStyle {
  const codes = parameters.split(";").map((text) => Number.parseInt(text || "0", 10));
  let next = style;
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0;
    if (code === 38 || code === 48) {
      const isIndexed = codes[at + 1] === 5;
      const index = codes[at + 2];
      next = withColour(next, code === 38, isIndexed && index !== undefined && index < 16 ? index : undefined);
      at += isIndexed ? 2 : 4;
    } else next = applyCode(next, code);
  }
  return next;
}

function applyCode(style: AnsiStyle, code: number): AnsiStyle {
  const on = switchedOn[code];
  if (on) return { ...style, attributes: new Set([...style.attributes, on]) };
  const off = switchedOff[code];
  if (off) return { ...style, attributes: new Set([...style.attributes].filter((held) => !off.includes(held))) };
  if (code === 0) return plainStyle;
  if (code >= 30 && code <= 37) return withColour(style, true, code - 30);
  if (code >= 90 && code <= 97) return withColour(style, true, code - 82);
  if (code >= 40 && code <= 47) return withColour(style, false, code - 40);
  if (code >= 100 && code <= 107) return withColour(style, false, code - 92);
  if (code === 39 || code === 49) return withColour(style, code === 39, undefined);
  return style;
}

function withColour(style: AnsiStyle, isForeground: boolean, colour: number | undefined): AnsiStyle {
  const { foreground, background, attributes } = style;
  const [front, back] = isForeground ? [colour, background] : [foreground, colour];
  return {
    attributes,
    ...(front === undefined ? {} : { foreground: front }),
    ...(back === undefined ? {} : { background: back }),
  };
}
