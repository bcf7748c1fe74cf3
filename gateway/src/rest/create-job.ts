import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  type AgentWork,
  AgentWorkSchema,
  type Attachment,
  AttachmentSchema,
  type JobLimits,
  JobLimitsSchema,
  PermissionModeSchema,
  type TaskWork,
  TaskWorkSchema,
} from "#gen/job/v1/job_pb.js";
import { type CreateJobRequest, CreateJobRequestSchema } from "#gen/job/v1/job_service_pb.js";
import type { JsonFields } from "./body.ts";
import { Fields, invalidField } from "./fields.ts";
import { enumFromText } from "./query.ts";

/** The CreateJobRequest that the body of `POST /api/jobs` stands for. Limits of the contract are checked later. */
export function parseCreateJob(body: JsonFields, idempotencyKey: string): CreateJobRequest {
  const fields = new Fields(body);
  const type = fields.requiredString("type");
  const isTask = type === "task";
  const request = create(CreateJobRequestSchema, {
    idempotencyKey,
    continues: isTask ? "" : (fields.string("continues") ?? ""),
    spec: {
      repoRef: fields.requiredString("repo_ref"),
      work: isTask ? { case: "task", value: parseTask(fields) } : { case: "agent", value: parseAgent(type, fields) },
      name: fields.string("name") ?? "",
      labels: fields.texts("labels") ?? {},
      runnerLabels: fields.strings("runner_labels") ?? [],
      priority: fields.integer("priority", { min: -100, max: 100 }) ?? 0,
      env: fields.texts("env") ?? {},
      allowedHosts: fields.strings("allowed_hosts") ?? [],
      limits: parseLimits(fields),
    },
  });
  fields.refuseOthers();
  return request;
}

function parseTask(fields: Fields): TaskWork {
  const command = fields.string("command");
  const args = fields.strings("argv");
  if (command !== undefined && args !== undefined) throw invalidField("argv", "cannot be given together with command");
  if (args !== undefined) return create(TaskWorkSchema, { invocation: { case: "argv", value: { args } } });
  if (command === undefined) throw invalidField("command", "is missing");
  return create(TaskWorkSchema, { invocation: { case: "command", value: command } });
}

function parseAgent(agent: string, fields: Fields): AgentWork {
  const mode = fields.string("permission_mode");
  return create(AgentWorkSchema, {
    agent,
    prompt: fields.requiredString("prompt"),
    model: fields.string("model") ?? "",
    permissionMode: mode === undefined ? 0 : enumFromText("permission_mode", PermissionModeSchema, mode),
    allowedTools: fields.strings("allowed_tools") ?? [],
    deniedTools: fields.strings("denied_tools") ?? [],
    appendSystemPrompt: fields.string("append_system_prompt") ?? "",
    effort: fields.string("effort") ?? "",
    attachments: fields.objects("attachments", parseAttachment) ?? [],
  });
}

function parseAttachment(fields: Fields, path: string): Attachment {
  const sha256 = fields.requiredString(`${path}.sha256`);
  return create(AttachmentSchema, { sha256, name: fields.requiredString(`${path}.name`) });
}

function parseLimits(fields: Fields): JobLimits {
  const wall = parseDuration(fields, "timeout_ms");
  const idle = parseDuration(fields, "idle_timeout_ms");
  const queue = parseDuration(fields, "queue_timeout_ms");
  const ask = parseDuration(fields, "ask_timeout_ms");
  return create(JobLimitsSchema, {
    ...(wall && { wall }),
    ...(idle && { idle }),
    ...(queue && { queue }),
    ...(ask && { ask }),
    maxTurns: fields.integer("max_turns", { min: 0, max: 10_000 }) ?? 0,
    logBytes: BigInt(fields.integer("max_log_bytes", { min: 0, max: 2 ** 32 }) ?? 0),
    budgetMicros: parseMicros(fields),
  });
}

function parseDuration(fields: Fields, name: string) {
  const ms = fields.integer(name, { min: 0, max: Number.MAX_SAFE_INTEGER });
  return ms === undefined ? undefined : durationFromMs(ms);
}

function parseMicros(fields: Fields): bigint {
  const usd = fields.number("budget_usd") ?? 0;
  if (usd < 0 || usd > 1_000_000) throw invalidField("budget_usd", "must be a number from 0 to 1000000");
  return BigInt(Math.round(usd * 1_000_000));
}
