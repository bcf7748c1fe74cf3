import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { type JobLimitsSchema, type JobSpec, JobSpecSchema, PermissionMode } from "#gen/job/v1/job_pb.js";
import { dollarsText, parseDollars } from "../ui/dollars.ts";
import { workText } from "./job-words.ts";

/** The two kinds of job the form makes. */
export type JobType = "task" | "claude";

/** What the form holds, as typed. */
export interface Draft {
  readonly repoRef: string;
  readonly name: string;
  /** The command or the prompt. */
  readonly work: string;
  /** Wall limit in seconds; empty for the runner's default. */
  readonly timeoutS: string;
  /** Number of a PermissionMode; agents only. */
  readonly permissionMode: string;
  /** Most to spend on models, in dollars; empty for no limit. Agents only. */
  readonly budget: string;
  /** Most turns; empty for no limit. Agents only. */
  readonly maxTurns: string;
}

/** A field of the form. */
export type DraftField = keyof Draft;

/** The form as it first appears. */
export const freshDraft: Draft = {
  repoRef: "local",
  name: "",
  work: "",
  timeoutS: "",
  permissionMode: String(PermissionMode.ASK),
  budget: "",
  maxTurns: "",
};

/** What is wrong with a draft that no spec could say; undefined for most. */
export function findFault(
  type: JobType,
  { budget, maxTurns }: Draft,
): { field: DraftField; message: string } | undefined {
  if (type === "task") return undefined;
  if (budget && parseDollars(budget) === undefined) {
    return { field: "budget", message: "the budget must be an amount in dollars, such as 2.50" };
  }
  if (maxTurns && !/^[1-9]\d{0,8}$/.test(maxTurns)) {
    return { field: "maxTurns", message: "the limit of turns must be a whole number" };
  }
  return undefined;
}

/** The spec a draft without a fault stands for. It is sent as typed: the gateway says what is wrong with it. */
export function specFromDraft(type: JobType, draft: Draft): JobSpec {
  const { repoRef, name, work: text } = draft;
  const work: MessageInitShape<typeof JobSpecSchema>["work"] =
    type === "task"
      ? { case: "task", value: { invocation: { case: "command", value: text } } }
      : { case: "agent", value: { agent: type, prompt: text, permissionMode: Number(draft.permissionMode) } };
  const limits = limitsFromDraft(type, draft);
  return create(JobSpecSchema, { repoRef, name, work, ...(Object.keys(limits).length > 0 ? { limits } : {}) });
}

function limitsFromDraft(
  type: JobType,
  { timeoutS, budget, maxTurns }: Draft,
): MessageInitShape<typeof JobLimitsSchema> {
  const budgetMicros = parseDollars(budget);
  return {
    ...(timeoutS && { wall: durationFromMs(Number(timeoutS) * 1_000) }),
    ...(type === "claude" && maxTurns && { maxTurns: Number(maxTurns) }),
    ...(type === "claude" && budgetMicros && { budgetMicros }),
  };
}

/** A draft that would make the same job again, to be changed. */
export function draftFromSpec(spec: JobSpec): { readonly type: JobType; readonly draft: Draft } {
  const { repoRef, name, limits } = spec;
  const wall = limits?.wall;
  const mode = spec.work.case === "agent" ? spec.work.value.permissionMode : PermissionMode.UNSPECIFIED;
  return {
    type: spec.work.case === "agent" ? "claude" : "task",
    draft: {
      repoRef,
      name,
      work: workText(spec),
      timeoutS: wall ? String(wall.seconds) : "",
      permissionMode: String(mode || PermissionMode.ASK),
      budget: limits?.budgetMicros ? dollarsText(limits.budgetMicros) : "",
      maxTurns: limits?.maxTurns ? String(limits.maxTurns) : "",
    },
  };
}

/** The draft that the address `/new?…` asks for, over what was there. */
export function draftFromQuery(
  query: URLSearchParams,
  held: (type: JobType) => Draft,
): { readonly type: JobType; readonly draft: Draft } {
  const type = query.get("type") === "claude" || query.has("prompt") ? "claude" : "task";
  const before = held(type);
  return {
    type,
    draft: {
      ...before,
      repoRef: query.get("repo_ref") ?? before.repoRef,
      work: query.get(type === "task" ? "command" : "prompt") ?? before.work,
    },
  };
}

/** The draft that was kept as text; whatever is not a draft is a fresh one. */
export function parseDraft(text: string | null): Draft {
  if (!text) return freshDraft;
  try {
    const kept: Record<string, unknown> = Object(JSON.parse(text));
    const fields = Object.keys(freshDraft).filter((field) => typeof kept[field] === "string");
    return { ...freshDraft, ...Object.fromEntries(fields.map((field) => [field, kept[field]])) };
  } catch {
    // Kept by another version of the page, or broken.
    return freshDraft;
  }
}

/** The form field that a Problem's field path names, if the form has it. */
export function fieldOfProblem(path: string): DraftField | undefined {
  const name = path.replace(/^spec\./, "");
  if (name.startsWith("repo_ref")) return "repoRef";
  if (name.startsWith("limits.wall")) return "timeoutS";
  if (name.startsWith("limits.budget_micros")) return "budget";
  if (name.startsWith("limits.max_turns")) return "maxTurns";
  if (name.startsWith("name")) return "name";
  if (name.startsWith("agent.permission_mode")) return "permissionMode";
  return name.startsWith("task") || name.startsWith("agent.prompt") || name === "work" ? "work" : undefined;
}
