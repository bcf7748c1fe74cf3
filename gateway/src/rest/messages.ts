import type { MessageInitShape } from "@bufbuild/protobuf";
import { MessageSchema } from "#gen/job/v1/job_event_pb.js";
import { PermissionModeSchema } from "#gen/job/v1/job_pb.js";
import type { SendMessageRequestSchema } from "#gen/job/v1/job_service_pb.js";
import { readJsonObject } from "./body.ts";
import { Fields } from "./fields.ts";
import { jobToJson } from "./job-json.ts";
import { toJson } from "./json.ts";
import { enumFromText } from "./query.ts";
import { idempotencyKey, present, type RestCall, type Route } from "./route.ts";

/** The routes by which people tell an agent something: messages, and what it may do unasked. */
export const messageRoutes: readonly Route[] = [
  { method: "POST", path: "/api/jobs/:id/messages", handle: sendMessage },
  { method: "PATCH", path: "/api/jobs/:id/messages/:part", handle: editMessage },
  { method: "DELETE", path: "/api/jobs/:id/messages/:part", handle: withdrawMessage },
  { method: "POST", path: "/api/jobs/:id/permission-mode", handle: setPermissionMode },
];

async function sendMessage(call: RestCall): Promise<Response> {
  const fields = new Fields(await readJsonObject(call.request));
  const send = { text: fields.requiredString("text"), interrupt: fields.boolean("interrupt") ?? false };
  fields.refuseOthers();
  return await act(call, { case: "send", value: send }, 201);
}

async function editMessage(call: RestCall): Promise<Response> {
  const fields = new Fields(await readJsonObject(call.request));
  const text = fields.requiredString("text");
  fields.refuseOthers();
  return await act(call, { case: "edit", value: { id: call.part, text } }, 200);
}

async function withdrawMessage(call: RestCall): Promise<Response> {
  return await act(call, { case: "withdrawId", value: call.part }, 200);
}

type Action = NonNullable<MessageInitShape<typeof SendMessageRequestSchema>["action"]>;

async function act({ request, jobs, id }: RestCall, action: Action, status: number): Promise<Response> {
  const { message } = await jobs.sendMessage({ id, idempotencyKey: idempotencyKey(request), action });
  return Response.json(toJson(MessageSchema, present(message, "message")), { status });
}

async function setPermissionMode({ request, jobs, caller, id }: RestCall): Promise<Response> {
  const fields = new Fields(await readJsonObject(request));
  const mode = enumFromText("mode", PermissionModeSchema, fields.requiredString("mode"));
  fields.refuseOthers();
  const { job } = await jobs.setPermissionMode({ id, mode });
  return Response.json(jobToJson(present(job, "job"), caller.origin));
}
