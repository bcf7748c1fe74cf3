import { readdirSync } from "node:fs";

/**
 * A spool is a directory of segments: files of envelopes exactly as on the wire, each named by the number of its first
 * event and by how many bytes were spooled before it. Readers address it by that count of bytes, which never changes
 * when old segments are freed.
 */
export interface Segment {
  readonly name: string;
  readonly firstSequence: number;
  /** Bytes spooled before the segment. */
  readonly start: number;
}

/** How far a spool has been written. */
export interface SpoolEnd {
  /** Number of the newest event. */
  readonly newestSequence: number;
  /** Bytes ever spooled. */
  readonly bytes: number;
}

/** A segment is closed when it is this large. */
export const segmentBytes = 4 << 20;

/** Name of the segment that begins here. Names sort in order. */
export function segmentName(firstSequence: number, start: number): string {
  return `${String(firstSequence).padStart(10, "0")}-${String(start).padStart(16, "0")}`;
}

/** The segments of a spool in order. */
export function listSegments(directory: string): Segment[] {
  return readdirSync(directory)
    .filter((name) => /^\d{10}-\d{16}$/.test(name))
    .sort()
    .map((name) => ({ name, firstSequence: Number(name.slice(0, 10)), start: Number(name.slice(11)) }));
}
