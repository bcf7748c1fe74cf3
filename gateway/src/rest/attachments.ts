import { Code } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { concatBytes } from "#protocol/bytes.ts";
import { problemError } from "#protocol/problem.ts";
import { maxAttachmentBytes, tooLarge } from "../auth/origin.ts";
import { readChunks } from "../request-body.ts";
import type { RestCall, Route } from "./route.ts";

/** The route that uploads a whole file for agents under its SHA-256. */
export const attachmentRoute: Route = { method: "PUT", path: "/api/attachments/:id", handle: uploadAttachment };

const partBytes = 512 * 1024;

async function uploadAttachment({ request, jobs, id: sha256 }: RestCall): Promise<Response> {
  const size = announcedSize(request);
  const upload = async (offset: number, data: Uint8Array<ArrayBuffer>) =>
    (await jobs.uploadAttachment({ sha256, size, offset, data })).received;
  const before = await upload(0, new Uint8Array(0));
  let received = before;
  for await (const { offset, data } of readParts(request)) {
    if (offset + data.length > received) received = await upload(received, data.subarray(received - offset).slice());
  }
  return Response.json({ sha256, size }, { status: before === size ? 200 : 201 });
}

/** The body in parts of 512 KiB, the last one smaller; it is read to its end, even when all of it is here. */
async function* readParts(request: Request) {
  let offset = 0;
  let rest = new Uint8Array(0);
  for await (const chunk of readChunks(request.body, maxAttachmentBytes)) {
    rest = concatBytes([rest, chunk]);
    if (offset + rest.length > maxAttachmentBytes) throw tooLarge(offset + rest.length, maxAttachmentBytes);
    for (; rest.length >= partBytes; offset += partBytes) {
      yield { offset, data: rest.subarray(0, partBytes) };
      rest = rest.slice(partBytes);
    }
  }
  if (rest.length > 0) yield { offset, data: rest };
}

function announcedSize({ headers }: Request): number {
  const length = headers.get("content-length");
  if (length !== null && Number(length) > 0) return Number(length);
  throw problemError({
    code: Code.InvalidArgument,
    reason: ProblemReason.MALFORMED_REQUEST,
    field: "Content-Length",
    message: "the request announces no size, or is empty",
    action: "Send the file as the body, with Content-Length.",
  });
}
