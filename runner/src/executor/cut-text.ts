/** A text that was perhaps cut. */
export interface CutText {
  readonly text: string;
  readonly truncated: boolean;
}

/** The longest whole characters of a text within so many bytes of UTF-8. */
export function cutText(text: string, maxBytes: number): CutText {
  // A UTF-16 unit takes at most three bytes.
  if (text.length * 3 <= maxBytes) return { text, truncated: false };
  const { read } = encoder.encodeInto(text, new Uint8Array(maxBytes));
  return { text: text.slice(0, read), truncated: read < text.length };
}

const encoder = new TextEncoder();
