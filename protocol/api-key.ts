/**
 * API keys. A key is "bc_<id>_<secret>"; the gateway holds only its SHA-256, in an entry of the API_KEYS secret:
 * "<id>:<scope>:<sha256 in hex>[:<last day, YYYY-MM-DD>]", entries separated by spaces, commas or line ends.
 */
import { hex, unhex } from "./hex.ts";

/** What a caller may do; each scope includes the ones before it. */
export const scopes = ["viewer", "operator", "admin"] as const;

/** viewer reads; operator also creates, stops, answers and deletes jobs; admin also changes the fleet. */
export type Scope = (typeof scopes)[number];

/** What is known of one key. */
export interface ApiKey {
  /** Public name; it becomes the id of the actor. */
  readonly id: string;
  readonly scope: Scope;
  /** SHA-256 of the whole key. */
  readonly sha256: Uint8Array<ArrayBuffer>;
  /** First moment at which the key is no longer good. */
  readonly expiresMs: number;
}

/** Reads the API_KEYS secret. Throws an error that names the entry at fault by its place, never by its text. */
export function parseApiKeys(list: string): readonly ApiKey[] {
  const entries = list.split(/[\s,]+/).filter((entry) => entry !== "");
  const keys = entries.map((entry, index) => parseEntry(entry, index + 1));
  const ids = keys.map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw new Error(`id "${twice}" is used twice`);
  return keys;
}

/** The entry that this key belongs to, if it is good now. Takes the same time for a wrong secret as for a right one. */
export async function findApiKey(keys: readonly ApiKey[], key: string, nowMs: number): Promise<ApiKey | undefined> {
  const [, id] = /^bc_([a-z0-9-]{1,32})_[A-Za-z0-9_-]{32,128}$/.exec(key) ?? [];
  const digest = await sha256(key);
  const found = keys.find((candidate) => candidate.id === id);
  if (found === undefined || !equalInConstantTime(found.sha256, digest)) return undefined;
  return nowMs < found.expiresMs ? found : undefined;
}

/** A new key, shown once, and the entry for API_KEYS. */
export async function newApiKey(id: string, scope: Scope, lastDay?: string): Promise<{ key: string; entry: string }> {
  const random = crypto.getRandomValues(new Uint8Array(32));
  const key = `bc_${id}_${hex(random)}`;
  const entry = [id, scope, hex(await sha256(key)), ...(lastDay === undefined ? [] : [lastDay])].join(":");
  parseApiKeys(entry);
  return { key, entry };
}

const msPerDay = 86_400_000;

function parseEntry(entry: string, place: number): ApiKey {
  const [id = "", scopeName, hash = "", lastDay, ...rest] = entry.split(":");
  if (rest.length > 0) throw new Error(`entry ${place} has too many parts`);
  if (!/^[a-z0-9-]{1,32}$/.test(id)) throw new Error(`entry ${place} has an id that is not 1 to 32 of a-z0-9-`);
  const scope = scopes.find((candidate) => candidate === scopeName);
  if (scope === undefined) throw new Error(`entry ${place} has a scope other than ${scopes.join(", ")}`);
  if (!/^[0-9a-f]{64}$/.test(hash)) throw new Error(`entry ${place} has a hash that is not 64 of 0-9a-f`);
  return { id, scope, sha256: unhex(hash), expiresMs: lastDay === undefined ? Infinity : endOfDay(lastDay, place) };
}

function endOfDay(lastDay: string, place: number): number {
  const startMs = Date.parse(`${lastDay}T00:00:00Z`);
  const isDay = !Number.isNaN(startMs) && new Date(startMs).toISOString().startsWith(lastDay);
  if (!isDay || lastDay.length !== 10) throw new Error(`entry ${place} has a last day that is not YYYY-MM-DD`);
  return startMs + msPerDay;
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

function equalInConstantTime(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < one.length; at += 1) difference |= (one[at] ?? 0) ^ (other[at] ?? 0);
  return difference === 0;
}
