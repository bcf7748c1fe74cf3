/** What a search for lines heeds. */
export interface MatchOptions {
  /** Tell upper from lower case. */
  readonly matchCase: boolean;
}

/** True for texts that hold the text searched for. */
export function matchText(search: string, { matchCase }: MatchOptions): (text: string) => boolean {
  if (matchCase) return (text) => text.includes(search);
  const lowered = search.toLowerCase();
  return (text) => text.toLowerCase().includes(lowered);
}
