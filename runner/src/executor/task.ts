import { EndCause } from "#gen/job/v1/job_pb.js";
import type { Conclusion, Execution, Executor, ExecutorJob, ProcessEnd } from "./executor.ts";

/** Runs a command line through `sh -c`, or a program with its arguments. */
export const taskExecutor: Executor = {
  name: "task",
  async probe() {
    return { kind: "usable", version: "" };
  },
  async prepare(job): Promise<Execution> {
    return { argv: taskArgv(job), env: {}, readable: [], stdin: { kind: "none" }, stdout: { kind: "log" }, conclude };
  },
};

function taskArgv({ spec, jobId }: ExecutorJob): Execution["argv"] {
  const invocation = spec.work.case === "task" ? spec.work.value.invocation : undefined;
  if (invocation?.case === "command") return ["sh", "-c", invocation.value];
  const [program, ...args] = invocation?.case === "argv" ? invocation.value.args : [];
  if (program === undefined) throw new Error(`${jobId} is not a task with a command`);
  return [program, ...args];
}

function conclude(end: ProcessEnd): Conclusion {
  return { outcome: endOutcome(end), result: "" };
}

function endOutcome(end: ProcessEnd): Conclusion["outcome"] {
  if (end.kind === "signaled") {
    const message = `The command was ended by ${end.signal}, which nobody here sent.`;
    return { cause: EndCause.SIGNAL, signal: end.signal, message };
  }
  const { exitCode } = end;
  if (exitCode === 0) return { cause: EndCause.COMPLETED, exitCode, message: "The command exited with code 0." };
  return { cause: EndCause.EXIT_CODE, exitCode, message: exitMessage(exitCode) };
}

function exitMessage(exitCode: number): string {
  const exited = `The command exited with code ${exitCode}`;
  if (exitCode === 127) return `${exited}: a program it names was not found on the runner.`;
  if (exitCode === 126) return `${exited}: a file it names is not executable.`;
  return `${exited}; its output says why.`;
}
