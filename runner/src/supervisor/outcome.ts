import type { MessageInitShape } from "@bufbuild/protobuf";
import { EndCause, type OutcomeSchema } from "#gen/job/v1/job_pb.js";
import type { StopOrder } from "./control.ts";
import type { JobLimitsMs } from "./limits.ts";

/** An outcome as it goes into AttemptEnded. */
export type OutcomeInit = MessageInitShape<typeof OutcomeSchema>;

/** The outcome of a job that was stopped; the limits are those that can have fired. */
export function stoppedOutcome(order: StopOrder, limits: JobLimitsMs): OutcomeInit {
  return { cause: order.cause, message: stopMessage(order, limits), ...(order.actor && { actor: order.actor }) };
}

/** The outcome of a process that could not be started. */
export function unstartableOutcome(program: string, code: string): OutcomeInit {
  return { cause: EndCause.UNSTARTABLE, message: `"${shorten(program)}" ${unstartableReason(code)}.` };
}

/** An outcome that also names the processes of the job that could not be killed. */
export function withSurvivors(outcome: OutcomeInit, survivors: readonly number[]): OutcomeInit {
  if (survivors.length === 0) return outcome;
  const more = survivors.length > maxNamed ? ` and ${survivors.length - maxNamed} more` : "";
  const named = `${survivors.slice(0, maxNamed).join(", ")}${more}`;
  const message = `${outcome.message ?? ""} Processes that could not be killed: ${named}.`;
  return { ...outcome, message: message.trimStart() };
}

const maxNamed = 10;

function stopMessage({ cause, actor }: StopOrder, { wallMs, idleMs }: JobLimitsMs): string {
  switch (cause) {
    case EndCause.CANCELED:
      return actor === null ? "The job was canceled." : `The job was canceled by ${actor.id}.`;
    case EndCause.WALL_TIMEOUT:
      return `The job ran longer than ${formatMs(wallMs)}; raise limits.wall if it needs more.`;
    case EndCause.IDLE_TIMEOUT:
      return `The job wrote nothing for ${formatMs(idleMs ?? 0)}; raise limits.idle if that is to be expected.`;
    case EndCause.BUDGET_EXHAUSTED:
      return "The budget is spent and was not raised; raise limits.budget_micros, or the runner's DAY_BUDGET_USD.";
    case EndCause.RUNNER_STOPPED:
      return "The runner was told to stop everything it holds; retry the job when it is back.";
    default:
      return "The gateway stopped the job.";
  }
}

function unstartableReason(code: string): string {
  if (code === "ENOENT") return "was not found on the runner; install it there, or name it by its path";
  if (code === "EACCES") return "is not executable";
  if (code === "E2BIG") return "has arguments and environment too large for the system";
  if (code === "EBOX") return "could not be started, because its box could not be built; the log says why";
  return `could not be started (${code})`;
}

function formatMs(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000} h`;
  if (ms % 60_000 === 0) return `${ms / 60_000} min`;
  return `${ms / 1000} s`;
}

function shorten(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
