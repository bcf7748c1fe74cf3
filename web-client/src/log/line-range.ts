import type { LineRange } from "./far-log.ts";

/** The lines that an address names in its fragment: `#L120` or `#L120-L140`. */
export function parseLineRange(hash: string): LineRange | undefined {
  const [, first = "", second = ""] = /^#L([1-9]\d{0,9})(?:-L([1-9]\d{0,9}))?$/.exec(hash) ?? [];
  if (first === "") return undefined;
  const [from, to] = [Number(first), Number(second || first)];
  return { from: Math.min(from, to), to: Math.max(from, to) };
}

/** The fragment that names lines. */
export function lineRangeHash({ from, to }: LineRange): string {
  return from === to ? `#L${from}` : `#L${from}-L${to}`;
}
