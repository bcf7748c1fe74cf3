import { drawsOver, TerminalRow, type TerminalToken, terminalTokens } from "#protocol/terminal-line.ts";
import { markUnseen } from "../../ui/visible-marks.ts";
import type { Span } from "../log-row.ts";
import { drawnColours } from "./ansi-colour.ts";
import { type AnsiStyle, applyRendition, plainStyle, withLink } from "./ansi-style.ts";

/** A run of text in one style. */
export interface StyledText {
  readonly text: string;
  readonly style: AnsiStyle;
}

/** Reads a line that begins in a style: what it shows in the end, and the style in which the next line begins. */
export function readLine(
  line: string,
  start: AnsiStyle,
): { readonly runs: readonly StyledText[]; readonly end: AnsiStyle } {
  const row = drawsOver(line) ? new TerminalRow<AnsiStyle>() : undefined;
  const runs: StyledText[] = [];
  let style = start;
  for (const token of terminalTokens(line)) {
    style = styleAfter(style, token);
    if (row) row.take(token, style);
    else if (token.kind === "text") runs.push({ text: token.text, style });
  }
  const end = style.link === undefined ? style : withLink(style, undefined);
  return { runs: row ? row.runs.map(({ text, style: own }) => ({ text, style: own ?? plainStyle })) : runs, end };
}

/** The style behind a piece of a line. */
export function styleAfter(style: AnsiStyle, token: TerminalToken): AnsiStyle {
  if (token.kind === "sequence") return token.final === "m" ? applyRendition(style, token.parameters) : style;
  if (token.kind !== "string" || !token.text.startsWith("8;")) return style;
  const address = token.text.slice(token.text.indexOf(";", 2) + 1);
  return withLink(style, isWebAddress(address) ? address : undefined);
}

/** How runs are shown: cut at a number of characters, with hits, links and marks as spans of their own. */
export function toSpans(
  runs: readonly StyledText[],
  { most, hits }: { readonly most: number; readonly hits: readonly Hit[] },
): { readonly spans: readonly Span[]; readonly cut: number } {
  const spans: Span[] = [];
  let at = 0;
  for (const { text, style } of runs) {
    const shown = text.slice(0, Math.max(0, most - at));
    for (const linked of splitLinks(shown, style.link)) {
      const look = { ...lookOf(style), ...(linked.href === undefined ? {} : { href: linked.href }) };
      for (const piece of splitHits(linked.text, at + linked.start, hits)) {
        for (const { text: own, isMark } of markUnseen(piece.text)) {
          spans.push({ text: own, ...look, ...(isMark ? { isMark } : {}), ...(piece.isHit ? { isHit: true } : {}) });
        }
      }
    }
    at += text.length;
  }
  return { spans, cut: Math.max(0, at - most) };
}

/** Where something was found in the visible text of a line. */
export interface Hit {
  readonly from: number;
  readonly to: number;
}

function lookOf(style: AnsiStyle): Partial<Span> {
  if (style === plainStyle) return {};
  const { text, ground } = drawnColours(style);
  const classes = style.attributes
    .filter((attribute) => attribute !== "inverse" && attribute !== "dim")
    .map((attribute) => `ansi-${attribute}`)
    .join(" ");
  return { ...(text ? { colour: text } : {}), ...(ground ? { ground } : {}), ...(classes ? { classes } : {}) };
}

const bareLinks = /https?:\/\/[^\s<>"'`|\\^{}]+[^\s<>"'`|\\^{}.,:;!?)\]]/g;

function* splitLinks(
  text: string,
  link: string | undefined,
): Generator<{ readonly text: string; readonly start: number; readonly href?: string }> {
  if (link !== undefined || !text.includes("://")) {
    yield link === undefined ? { text, start: 0 } : { text, start: 0, href: link };
    return;
  }
  let at = 0;
  for (const { 0: href, index } of text.matchAll(bareLinks)) {
    if (index > at) yield { text: text.slice(at, index), start: at };
    yield isWebAddress(href) ? { text: href, start: index, href } : { text: href, start: index };
    at = index + href.length;
  }
  if (at < text.length) yield { text: text.slice(at), start: at };
}

function* splitHits(
  text: string,
  start: number,
  hits: readonly Hit[],
): Generator<{ readonly text: string; readonly isHit: boolean }> {
  let at = 0;
  for (const hit of hits) {
    const from = Math.max(at, hit.from - start);
    const to = Math.min(text.length, hit.to - start);
    if (to <= from) continue;
    if (from > at) yield { text: text.slice(at, from), isHit: false };
    yield { text: text.slice(from, to), isHit: true };
    at = to;
  }
  if (at < text.length) yield { text: text.slice(at), isHit: false };
}

function isWebAddress(address: string): boolean {
  const parsed = URL.parse(address);
  return parsed?.protocol === "http:" || parsed?.protocol === "https:";
}
