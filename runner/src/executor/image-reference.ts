import { createHash } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ImageRefSchema } from "#gen/job/v1/job_event_pb.js";

/** What stands for an image in an event. */
export function imageReference(mediaType: string, base64: string): MessageInitShape<typeof ImageRefSchema> {
  const bytes = Buffer.from(base64, "base64");
  const sha256 = new Uint8Array(createHash("sha256").update(bytes).digest());
  return { mediaType, bytes: BigInt(bytes.length), sha256 };
}
