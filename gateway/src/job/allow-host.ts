/** Lets a Job that runs reach another host. Its runner does so, and tells in the Job's events who allowed it. */
import { Code, ConnectError } from "@connectrpc/connect";
import type { Actor } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { ProblemInit } from "#protocol/problem.ts";
import { type Answer, refusalOf } from "../answer.ts";
import type { Attempt } from "./attempt.ts";
import type { JobRecord } from "./job-record.ts";
import { isFinal } from "./job-state.ts";
import { agentGone, isStarting } from "./message-refusals.ts";

/** A host that a Job may reach from now on, as in JobSpec.allowed_hosts, and who says so. */
export interface HostWish {
  readonly host: string;
  readonly actor: Actor;
}

/** Answers once the runner has it. */
export async function allowHost(
  { record, attempt }: { readonly record: JobRecord; readonly attempt: Attempt },
  wish: HostWish,
): Promise<Answer<null>> {
  const refused = refuseUnlessRunning(record);
  if (refused !== undefined) return { refused };
  try {
    await attempt.call((runner, key) => runner.allowHost({ ...key, ...wish }));
    return { ok: null };
  } catch (error) {
    if (ConnectError.from(error).code === Code.Unimplemented) return { refused: oldRunner(record) };
    return { refused: refusalOf(error) };
  }
}

function refuseUnlessRunning({ state, memory, isHeld }: JobRecord): ProblemInit | undefined {
  const { id } = memory.job;
  if (isFinal(state)) return agentGone(id);
  if (memory.holder?.phase === "starting") return isStarting(id);
  return isHeld ? undefined : notRunning(id);
}

function notRunning(id: string): ProblemInit {
  return {
    code: Code.FailedPrecondition,
    reason: ProblemReason.NOT_SUPPORTED,
    field: "id",
    message: `job ${id} does not run yet`,
    action: "Wait until it runs, or create it with the host among its allowed_hosts.",
  };
}

function oldRunner({ memory }: JobRecord): ProblemInit {
  return {
    code: Code.FailedPrecondition,
    reason: ProblemReason.NOT_SUPPORTED,
    message: `runner ${memory.holder?.runner ?? ""} is of a version that lets no job reach more hosts`,
    action: "Update the runner.",
  };
}
