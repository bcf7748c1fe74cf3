import { createHash } from "node:crypto";

/** The id of a job's session: the same UUID for the same job, so that a later job can resume it. */
export function sessionIdOf(jobId: string): string {
  const bytes = createHash("sha256").update(`blazecraft session of ${jobId}`).digest().subarray(0, 16);
  // Version 8, a UUID made by a rule of one's own, and the variant that has versions.
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
