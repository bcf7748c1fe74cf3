/** A colour of terminal text: an index into the palette of 256, or red, green and blue. */
export type AnsiColour =
  | { readonly kind: "indexed"; readonly index: number }
  | { readonly kind: "rgb"; readonly red: number; readonly green: number; readonly blue: number };

/** How terminal text looks. It carries on from one line of a stream to the next. */
export interface AnsiStyle {
  readonly foreground?: AnsiColour;
  readonly background?: AnsiColour;
  readonly attributes: readonly Attribute[];
  /** Where a hyperlink leads, as the job wrote it; it does not carry on to the next line. */
  readonly link?: string;
}

/** What text is besides coloured. */
export type Attribute = "bold" | "dim" | "italic" | "underline" | "inverse" | "strike";

/** Text without any look. */
export const plainStyle: AnsiStyle = { attributes: [] };

/** The style after the parameters of a "select graphic rendition" sequence. */
export function applyRendition(style: AnsiStyle, parameters: string): AnsiStyle {
  let next = style;
  const groups = parameters.split(";");
  for (let at = 0; at < groups.length; at++) {
    const [code = 0, ...inside] = (groups[at] ?? "").split(":").map(toNumber);
    if (code !== 38 && code !== 48) {
      next = applyCode(next, code);
      continue;
    }
    // 38;2;r;g;b in old programs, 38:2::r:g:b in newer ones.
    const values = inside.length > 0 ? inside : groups.slice(at + 1, at + 5).map(toNumber);
    next = withColour(next, code === 38 ? "foreground" : "background", readColour(values, inside.length > 4));
    if (inside.length === 0) at += values[0] === 5 ? 2 : values[0] === 2 ? 4 : 0;
  }
  return next;
}

/** The style inside a hyperlink, or behind one when there is no address. */
export function withLink(style: AnsiStyle, link: string | undefined): AnsiStyle {
  const { link: _, ...unlinked } = style;
  return link === undefined ? unlinked : { ...unlinked, link };
}

/** The sequences that bring a terminal from plain text to this style. */
export function styleSequence({ foreground, background, attributes }: AnsiStyle): string {
  const codes = [
    "0",
    ...attributes.map((attribute) => `${switchedOn.indexOf(attribute)}`),
    ...(foreground ? [`38;${colourCodes(foreground)}`] : []),
    ...(background ? [`48;${colourCodes(background)}`] : []),
  ];
  return `\x1b[${codes.join(";")}m`;
}

function colourCodes(colour: AnsiColour): string {
  return colour.kind === "indexed" ? `5;${colour.index}` : `2;${colour.red};${colour.green};${colour.blue}`;
}

const switchedOn: readonly (Attribute | undefined)[] = [
  undefined,
  "bold",
  "dim",
  "italic",
  "underline",
  undefined,
  undefined,
  "inverse",
  undefined,
  "strike",
];

const switchedOff: Readonly<Record<number, readonly Attribute[]>> = {
  22: ["bold", "dim"],
  23: ["italic"],
  24: ["underline"],
  27: ["inverse"],
  29: ["strike"],
};

function applyCode(style: AnsiStyle, code: number): AnsiStyle {
  if (code === 0) return style.link === undefined ? plainStyle : withLink(plainStyle, style.link);
  const on = switchedOn[code];
  if (on) return style.attributes.includes(on) ? style : { ...style, attributes: [...style.attributes, on] };
  const off = switchedOff[code];
  if (off) return { ...style, attributes: style.attributes.filter((held) => !off.includes(held)) };
  if (code >= 30 && code <= 37) return withColour(style, "foreground", { kind: "indexed", index: code - 30 });
  if (code >= 90 && code <= 97) return withColour(style, "foreground", { kind: "indexed", index: code - 82 });
  if (code >= 40 && code <= 47) return withColour(style, "background", { kind: "indexed", index: code - 40 });
  if (code >= 100 && code <= 107) return withColour(style, "background", { kind: "indexed", index: code - 92 });
  if (code === 39) return withColour(style, "foreground", undefined);
  if (code === 49) return withColour(style, "background", undefined);
  return style;
}

function withColour(style: AnsiStyle, ground: "foreground" | "background", colour: AnsiColour | undefined): AnsiStyle {
  const { [ground]: _, ...rest } = style;
  return colour === undefined ? rest : { ...rest, [ground]: colour };
}

function readColour([kind, ...values]: readonly number[], hasColourSpace: boolean): AnsiColour | undefined {
  const [first, ...rest] = hasColourSpace ? values.slice(1) : values;
  if (first === undefined || first > 255) return undefined;
  if (kind === 5) return { kind: "indexed", index: first };
  const [green = 0, blue = 0] = rest;
  if (kind !== 2 || green > 255 || blue > 255) return undefined;
  return { kind: "rgb", red: first, green, blue };
}

function toNumber(text: string): number {
  return Number.parseInt(text, 10) || 0;
}
