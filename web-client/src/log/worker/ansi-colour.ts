import type { AnsiColour, AnsiStyle } from "./ansi-style.ts";

/** Colours that text of a style is drawn with, as "#rrggbb"; absent where the log's own serve. */
export interface DrawnColours {
  readonly text?: string;
  readonly ground?: string;
}

type Rgb = readonly [red: number, green: number, blue: number];

// The log is dark in every theme: bg-0 and text of the dark one, then the 16 colours made for it.
const ground: Rgb = [0x0b, 0x0d, 0x10];
const text: Rgb = [0xf2, 0xf4, 0xf7];
const palette: readonly Rgb[] = (
  "7a8695 ff7b72 4cc38a e3b341 6cb2ff c79bff 56d4dd d5dbe3 " + "94a0af ffa198 7ee2b0 f6d06f 9ccbff dcc2ff 8ce8ee f2f4f7"
)
  .split(" ")
  .map(parseHex);
const leastContrast = 4.5;

/** The colours of a style, with the text made lighter, or darker on a light ground, until it can be read. */
export function drawnColours({ foreground, background, attributes }: AnsiStyle): DrawnColours {
  const isInverse = attributes.includes("inverse");
  const isDim = attributes.includes("dim");
  if (!foreground && !background && !isInverse && !isDim) return {};
  const [front, back] = [foreground ? toRgb(foreground) : text, background ? toRgb(background) : ground];
  const [ink, paper] = isInverse ? [back, front] : [front, back];
  return {
    text: toHex(readableOn(paper, isDim ? mix(ink, paper, 0.35) : ink)),
    ...(background || isInverse ? { ground: toHex(paper) } : {}),
  };
}

/** How much two colours differ in lightness, from 1 to 21, as WCAG computes it. */
export function contrastRatio(one: string, other: string): number {
  return contrast(parseHex(one.slice(1)), parseHex(other.slice(1)));
}

function readableOn(paper: Rgb, ink: Rgb): Rgb {
  const end: Rgb = luminance(paper) > 0.18 ? [0, 0, 0] : [255, 255, 255];
  for (let part = 0; part < 1; part += 0.05) {
    const candidate = mix(ink, end, part);
    if (contrast(candidate, paper) >= leastContrast) return candidate;
  }
  return end;
}

function toRgb(colour: AnsiColour): Rgb {
  if (colour.kind === "rgb") return [colour.red, colour.green, colour.blue];
  const { index } = colour;
  if (index >= 232) return [8 + (index - 232) * 10, 8 + (index - 232) * 10, 8 + (index - 232) * 10];
  const cube = index - 16;
  return palette[index] ?? [cubeStep(cube / 36), cubeStep((cube / 6) % 6), cubeStep(cube % 6)];
}

function cubeStep(value: number): number {
  const step = Math.floor(value);
  return step === 0 ? 0 : 55 + step * 40;
}

function contrast(one: Rgb, other: Rgb): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

function luminance([red, green, blue]: Rgb): number {
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
}

function linear(channel: number): number {
  const part = channel / 255;
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}

function mix([red, green, blue]: Rgb, other: Rgb, part: number): Rgb {
  const blend = (one: number, two: number) => Math.round(one + (two - one) * part);
  return [blend(red, other[0]), blend(green, other[1]), blend(blue, other[2])];
}

function toHex(colour: Rgb): string {
  return `#${colour.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}

function parseHex(hex: string): Rgb {
  const value = Number.parseInt(hex, 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}
