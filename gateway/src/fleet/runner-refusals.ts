/** Why calls about runners are refused. */
import { Code } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import type { ProblemInit } from "#protocol/problem.ts";
import type { KnownRunner } from "./fleet-store.ts";

/** No runner has this name; an empty one stands for the one from RUNNER_URL. */
export function runnerNotFound(name: string): ProblemInit {
  return {
    code: Code.NotFound,
    reason: ProblemReason.RUNNER_NOT_FOUND,
    field: "name",
    message: name === "" ? "RUNNER_URL is not set" : `no runner is named "${name}"`,
    action: name === "" ? "Set RUNNER_URL and RUNNER_SECRET, or add a runner." : "List the runners to find its name.",
  };
}

/** The name or URL is taken. */
export function runnerExists(name: string, url: string): ProblemInit {
  return {
    code: Code.AlreadyExists,
    reason: ProblemReason.RUNNER_EXISTS,
    message: `a runner named "${name}" or at ${url} exists`,
    action: "Choose another name, or remove the other runner first.",
  };
}

/** No more runners can be added. */
export function tooManyRunners(limit: number): ProblemInit {
  return {
    code: Code.ResourceExhausted,
    reason: ProblemReason.RUNNER_EXISTS,
    message: `there are ${limit} runners already`,
    action: "Remove one first.",
  };
}

/** The runner cannot be removed. */
export function runnerInUse({ name, configured }: KnownRunner, held: number): ProblemInit {
  return {
    code: Code.FailedPrecondition,
    reason: ProblemReason.JOB_NOT_FINISHED,
    field: "name",
    message: configured ? `runner "${name}" comes from RUNNER_URL` : `runner "${name}" holds ${held} jobs`,
    action: configured ? "Change RUNNER_URL instead." : "Drain it and wait for its jobs to end.",
  };
}
