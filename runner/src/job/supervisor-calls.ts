import { Code } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";
import type { CallAnswer, Report, SteeringCommand, Uncalled, WorkCommand } from "../supervisor/control.ts";
import type { Supervisor } from "../supervisor/supervisor-pool.ts";

/** A command that is answered, before it has its number. */
export type Call = Uncalled<Exclude<SteeringCommand, { kind: "decide" }> | WorkCommand>;

/**
 * What people want of one attempt's agent or work, on its way to the supervisor. A supervisor that is not on the line, because the
 * runner or the line has just been restarted, is waited for a little.
 */
export class SupervisorCalls {
  readonly #unanswered = new Map<number, Omit<PromiseWithResolvers<CallAnswer>, "promise">>();
  readonly #waiting = new Set<() => void>();
  #supervisor: Supervisor | undefined;
  #calls = 0;
  #isOver = false;

  /** The attempt's supervisor is on the line. */
  connect(supervisor: Supervisor): void {
    this.#supervisor = supervisor;
    this.#wake();
  }

  /** It is not any more, and what it was asked may never have arrived. */
  cut(supervisor: Supervisor): void {
    if (supervisor !== this.#supervisor) return;
    this.#supervisor = undefined;
    this.#fail(unreachable());
  }

  /** The attempt has ended, so nobody answers. */
  end(): void {
    this.#isOver = true;
    this.#wake();
    this.#fail(ended());
  }

  /** Passes on a command that is not answered. */
  async command(command: Extract<SteeringCommand, { kind: "decide" }>): Promise<void> {
    (await this.#reach()).command(command);
  }

  /** Passes on a call, and answers what came of it. */
  async call(call: Call, { answerMs } = { answerMs: steeringMs }): Promise<CallAnswer> {
    const supervisor = await this.#reach();
    this.#calls += 1;
    const number = this.#calls;
    const { promise, resolve, reject } = Promise.withResolvers<CallAnswer>();
    this.#unanswered.set(number, { resolve, reject });
    const timer = setTimeout(() => reject(unreachable()), answerMs);
    supervisor.command({ ...call, call: number });
    return promise.finally(() => {
      clearTimeout(timer);
      this.#unanswered.delete(number);
    });
  }

  /** Takes the supervisor's answer. */
  answered({ call, answer }: Extract<Report, { kind: "answered" }>): void {
    this.#unanswered.get(call)?.resolve(answer);
  }

  async #reach(): Promise<Supervisor> {
    if (this.#supervisor === undefined && !this.#isOver) await this.#arrival();
    if (this.#isOver) throw ended();
    if (this.#supervisor === undefined) throw unreachable();
    return this.#supervisor;
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, connectMs);
      this.#waiting.add(wake);
    });
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  #fail(reason: Error): void {
    for (const { reject } of this.#unanswered.values()) reject(reason);
  }
}

/** Several times what a supervisor takes to dial again. */
const connectMs = 5_000;
/** An agent's program that is asked to do something, and does not say so, may do it later: the event tells. */
const steeringMs = 10_000;

function unreachable() {
  return problemError({
    code: Code.Unavailable,
    reason: ProblemReason.RUNNER_OFFLINE,
    message: "the job's supervisor does not answer",
    action: "Try again in a few seconds.",
    retryAfterMs: 2_000,
  });
}

function ended() {
  return problemError({
    code: Code.FailedPrecondition,
    reason: ProblemReason.JOB_FINISHED,
    message: "the attempt has ended",
    action: "Create a job that continues this one.",
  });
}
