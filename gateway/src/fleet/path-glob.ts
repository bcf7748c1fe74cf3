/**
 * True when the names of a path match a glob: "*" is any run of characters within a name, "**" any run of names, everything
 * else is itself. The time it takes grows with glob times path, whatever they hold.
 */
export function globMatches(glob: string, names: readonly string[]): boolean {
  const parts = glob.split("/");
  const isPlain = !parts.some((part) => part === "" || part === "." || part === "..");
  return isPlain && runMatches(parts, names, { wildcard: "**", suits: nameMatches });
}

function nameMatches(part: string, name: string): boolean {
  return runMatches([...part], [...name], { wildcard: "*", suits: (wanted, character) => wanted === character });
}

interface Meaning {
  /** Stands for any run of items, also an empty one. */
  readonly wildcard: string;
  readonly suits: (wanted: string, item: string) => boolean;
}

function runMatches(pattern: readonly string[], items: readonly string[], { wildcard, suits }: Meaning): boolean {
  /** Whether what was read of the pattern matches the first so many items. */
  let matched = [true, ...items.map(() => false)];
  for (const wanted of pattern) {
    const before = matched;
    const from = before.indexOf(true);
    matched = before.map((_, count) => {
      if (wanted === wildcard) return from !== -1 && count >= from;
      return before[count - 1] === true && suits(wanted, items[count - 1] ?? "");
    });
  }
  return matched.at(-1) === true;
}
