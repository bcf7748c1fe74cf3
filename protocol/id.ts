const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz";

/** A new random id: the prefix, an underscore, and 16 characters of 0-9a-z (82 bits). */
export function randomId(prefix: "job" | "ask" | "msg" | "rule" | "warm"): string {
  return `${prefix}_${idCharacters(crypto.getRandomValues(new Uint8Array(64)))}`;
}

/** 16 characters of 0-9a-z drawn evenly from at least 32 evenly distributed bytes. */
export function idCharacters(entropy: Uint8Array): string {
  // Bytes past the last multiple of 36 would favour the first letters.
  const fair = Array.from(entropy).filter((byte) => byte < 252);
  return fair
    .slice(0, 16)
    .map((byte) => alphabet.charAt(byte % 36))
    .join("");
}
