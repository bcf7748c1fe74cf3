/** What the events of an attempt change in its Job, besides the state. Pure. */

import { create } from "@bufbuild/protobuf";
import { type Ask, AskState, BudgetScope } from "#gen/job/v1/ask_pb.js";
import type { AgentEvent, BranchPushed, JobEvent, WorkspaceEvent } from "#gen/job/v1/job_event_pb.js";
import { type Job, type JobSpec, PermissionMode, type Publication, PublicationSchema } from "#gen/job/v1/job_pb.js";
import { addRequest } from "./usage.ts";

/** The fields of a new Job that follow from its spec and change later. */
export function firstFields({ work, limits }: JobSpec): Pick<Job, "permissionMode" | "budgetMicros"> {
  const budgetMicros = limits?.budgetMicros ?? 0n;
  if (work.case !== "agent") return { permissionMode: PermissionMode.UNSPECIFIED, budgetMicros };
  return { permissionMode: work.value.permissionMode || PermissionMode.ASK, budgetMicros };
}

/** The fields that an event changes; undefined when it changes none. */
export function fieldsAfter(job: Job, { payload }: JobEvent): Partial<Job> | undefined {
  switch (payload.case) {
    case "phaseChanged":
      return { phase: payload.value.phase };
    case "agent":
      return afterAgent(job, payload.value.event);
    case "ask":
      return afterAsk(payload.value);
    case "workspace":
      return afterWorkspace(job, payload.value.event);
    default:
      return undefined;
  }
}

/** The spec as an attempt gets it: with what has been changed since it was asked for. */
export function specInForce({ spec, permissionMode }: Job): JobSpec | undefined {
  // A Job of an earlier version has no mode but that of its spec.
  if (spec?.work.case !== "agent" || permissionMode === PermissionMode.UNSPECIFIED) return spec;
  return { ...spec, work: { case: "agent", value: { ...spec.work.value, permissionMode } } };
}

function afterAgent(job: Job, event: AgentEvent["event"]): Partial<Job> | undefined {
  if (event.case === "usage") return addRequest(job, event.value);
  if (event.case === "permissionModeChanged") return { permissionMode: event.value.mode };
  return undefined;
}

function afterWorkspace({ publication, artifacts }: Job, event: WorkspaceEvent["event"]): Partial<Job> | undefined {
  switch (event.case) {
    case "checkedOut":
      return { baseCommit: event.value.commit };
    case "sessionResumed":
      return { baseCommit: event.value.baseCommit || event.value.commit };
    case "checkpoint":
      return event.value.diffstat && { diffstat: event.value.diffstat };
    case "diffstat":
      return { diffstat: event.value };
    case "artifact":
      return { artifacts: artifacts + 1 };
    case "branchPushed":
      return { publication: afterPush(publication, event.value) };
    case "pullRequestOpened": {
      const { url: pullRequestUrl, number: pullRequestNumber } = event.value;
      return publication && { publication: { ...publication, pullRequestUrl, pullRequestNumber } };
    }
    default:
      return undefined;
  }
}

/** A pull request that is open for the branch shows what comes to it later, too. */
function afterPush(before: Publication | undefined, { branch, commit, url: branchUrl }: BranchPushed): Publication {
  const pushed = { branch, commit, branchUrl };
  return before?.branch === branch ? { ...before, ...pushed } : create(PublicationSchema, pushed);
}

function afterAsk({ state, question, decision }: Ask): Partial<Job> | undefined {
  if (state !== AskState.DECIDED || question.case !== "budget" || question.value.scope !== BudgetScope.JOB) {
    return undefined;
  }
  const verdict = decision?.verdict;
  return verdict?.case === "raiseBudget" ? { budgetMicros: verdict.value.limitMicros } : undefined;
}
