import { idCharacters } from "#protocol/id.ts";

/** The id of what an idempotency key of a caller makes: one key, one id. */
export async function idOfKey(prefix: "job" | "msg" | "rule", ownedKey: string): Promise<string> {
  const entropy = await crypto.subtle.digest("SHA-512", new TextEncoder().encode(ownedKey));
  return `${prefix}_${idCharacters(new Uint8Array(entropy))}`;
}
