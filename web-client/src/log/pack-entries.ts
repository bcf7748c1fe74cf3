import type { LogEntry } from "./log-messages.ts";

/** The entries with all their bytes in one buffer of their own, which can be handed over without a copy. */
export function packEntries(entries: readonly LogEntry[]): {
  readonly entries: readonly LogEntry[];
  readonly buffer: ArrayBuffer;
} {
  const size = entries.reduce((sum, entry) => sum + (entry.kind === "chunk" ? entry.data.length : 0), 0);
  const bytes = new Uint8Array(size);
  let at = 0;
  const packed = entries.map((entry) => {
    if (entry.kind !== "chunk") return entry;
    const data = bytes.subarray(at, at + entry.data.length);
    data.set(entry.data);
    at += entry.data.length;
    return { ...entry, data };
  });
  return { entries: packed, buffer: bytes.buffer };
}
