import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { InitializeResponse } from "@agentclientprotocol/sdk";
import { execa } from "execa";
import type { Execution, ExecutorStatus } from "../executor.ts";
import { parseJsonObject } from "../json-object.ts";
import { AgentConnection } from "./agent-connection.ts";
import { greet } from "./open-session.ts";

/** Has an agent introduce itself, in a home of its own, and ends it. */
export async function probeAgent(start: Pick<Execution, "argv" | "env">, signal: AbortSignal): Promise<ExecutorStatus> {
  const home = await mkdtemp(join(tmpdir(), "blazecraft-probe-"));
  try {
    const { agentInfo } = await greetProgram({ ...start, home }, signal);
    return { kind: "usable", version: agentInfo?.version ?? "unknown" };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { kind: "unusable", problem: `"${start.argv.join(" ")}" is no agent that can be used: ${problem}.` };
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function greetProgram(
  { argv: [program, ...args], env, home }: Pick<Execution, "argv" | "env"> & { readonly home: string },
  signal: AbortSignal,
): Promise<InitializeResponse> {
  const child = execa(program, args, {
    env: { ...env, HOME: home, TMPDIR: home },
    extendEnv: false,
    cwd: home,
    stdin: "pipe",
    stderr: "ignore",
    buffer: false,
    reject: false,
    cancelSignal: signal,
    killDescendants: true,
    forceKillAfterDelay: 1000,
  });
  const connection = new AgentConnection({
    write: (line) => void child.stdin.write(line),
    answerPermission: () => Promise.reject(new Error("nobody is asked before there is a session")),
  });
  createInterface(child.stdout).on("line", (line) => {
    const message = parseJsonObject(line);
    if (message) connection.take(message);
  });
  const ended = child.then(() => {
    const when = signal.aborted ? "in time" : "before it ended";
    connection.close(new Error(`it did not introduce itself ${when}`));
  });
  try {
    return await greet(connection.agent);
  } finally {
    child.kill();
    await ended;
  }
}
