/** Dollars as typed, "0.05", in millionths; undefined for whatever is no amount above zero with at most six decimals. */
export function parseDollars(typed: string): bigint | undefined {
  const match = /^\$?\s*(\d{1,9})(?:\.(\d{1,6}))?$/.exec(typed.trim());
  if (!match) return undefined;
  const [, whole = "0", decimals = ""] = match;
  const micros = BigInt(whole) * 1_000_000n + BigInt(decimals.padEnd(6, "0"));
  return micros > 0n ? micros : undefined;
}

/** Millionths of a dollar as a person types them: "0.05". */
export function dollarsText(micros: bigint): string {
  const decimals = String(micros % 1_000_000n)
    .padStart(6, "0")
    .replace(/0+$/, "");
  return decimals ? `${micros / 1_000_000n}.${decimals}` : String(micros / 1_000_000n);
}
