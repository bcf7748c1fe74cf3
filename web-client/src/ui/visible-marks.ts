/** A run of text to show; a mark stands for a character that would hide or reorder what is around it. */
export interface MarkedRun {
  readonly text: string;
  readonly isMark: boolean;
}

// Controls but tab and newline, C1, soft hyphen, zero-width and bidi controls, line separators, the tag block. A joiner
// inside an emoji stays.
const unseen =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]|(?<!\p{Extended_Pictographic}|\ufe0f|[\u{1f3fb}-\u{1f3ff}])\u200d/gu;

/** Splits text so that every unseen character is a mark of its own. */
export function markUnseen(text: string): readonly MarkedRun[] {
  const runs: MarkedRun[] = [];
  let at = 0;
  for (const match of text.matchAll(unseen)) {
    if (match.index > at) runs.push({ text: text.slice(at, match.index), isMark: false });
    runs.push({ text: markFor(match[0]), isMark: true });
    at = match.index + match[0].length;
  }
  if (at < text.length) runs.push({ text: text.slice(at), isMark: false });
  return runs;
}

/** The text with marks in place, for where a mark cannot be styled, such as a title. */
export function withMarks(text: string): string {
  return text.replace(unseen, markFor);
}

function markFor(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "␡";
  return `‹U+${code.toString(16).toUpperCase().padStart(4, "0")}›`;
}
