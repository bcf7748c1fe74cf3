import { tmpdir } from "node:os";
import { execa } from "execa";
import { type AgentWork, EndCause } from "#gen/job/v1/job_pb.js";
import { withAttachmentNote } from "../attachment-note.ts";
import { type Execution, type Executor, type ExecutorJob, type ExecutorStatus, Unstartable } from "../executor.ts";
import { ClaudeSession } from "./claude-session.ts";
import { claudeArguments, claudeEnvironment } from "./command-line.ts";
import { findClaude } from "./find-claude.ts";
import { writeMcpFile } from "./mcp-file.ts";
import { holdsSession } from "./session-file.ts";
import { sessionIdOf } from "./session-id.ts";

/** Runs Claude Code for one prompt to its result. */
export const claudeExecutor: Executor = {
  name: "claude",
  sessions: { idFor: sessionIdOf, holds: holdsSession, store: [".claude/projects"] },
  async probe(settings, signal): Promise<ExecutorStatus> {
    const program = await findClaude(settings);
    if (program.kind === "missing") return { kind: "unusable", problem: program.problem };
    return readVersion(program.path, settings.searchPath, signal);
  },
  async prepare(job): Promise<Execution> {
    const { settings, spec, tmp, jobId, permissionMode, attachments, resumes, model } = job;
    const work = agentWork(job);
    const program = await findClaude(settings);
    if (program.kind === "missing") {
      throw new Unstartable({ cause: EndCause.AGENT_NOT_INSTALLED, message: program.problem });
    }
    if (model === undefined) {
      throw new Unstartable({ cause: EndCause.AGENT_NOT_AUTHENTICATED, message: noKey });
    }
    const prompt = withAttachmentNote(work.prompt, attachments);
    const maxTurns = spec.limits?.maxTurns ?? 0;
    const session = new ClaudeSession({ prompt, maxTurns, job, now: Date.now });
    const access = { address: await model.listen("socket"), token: model.token };
    const isRoot = process.getuid?.() === 0;
    const argv = claudeArguments({
      work,
      limits: spec.limits,
      sessionId: sessionIdOf(jobId),
      resumes,
      permissionMode,
      attachments,
      mcpFile: writeMcpFile(work.mcpServers, settings, tmp),
      allowRepositorySettings: settings.allowRepositorySettings ?? false,
    });
    return {
      argv: [program.path, ...argv],
      env: claudeEnvironment({ model: access, tmp, isRoot }),
      stdin: { kind: "pipe", opened: (stdin) => session.begin(stdin) },
      stdout: { kind: "lines", maxLineBytes, line: (line) => session.take(line) },
      steering: session,
      conclude: (end) => session.conclude(end),
    };
  },
};

// Lines repeat whole files. The model's API takes no request larger than this, so nothing of use is longer.
const maxLineBytes = 32 * 1024 * 1024;

const noKey = "The runner has no key for the model; set ANTHROPIC_API_KEY on the runner.";

function agentWork({ spec, jobId }: ExecutorJob): AgentWork {
  if (spec.work.case !== "agent") throw new Error(`${jobId} is not a job for an agent`);
  return spec.work.value;
}

async function readVersion(path: string, searchPath: string, signal: AbortSignal): Promise<ExecutorStatus> {
  const { failed, stdout, shortMessage } = await execa(path, ["--version"], {
    env: { PATH: searchPath, HOME: tmpdir() },
    extendEnv: false,
    stdin: "ignore",
    reject: false,
    cancelSignal: signal,
  });
  // Such as "2.1.330 (Claude Code)".
  const [version = ""] = failed ? [] : stdout.split(" ");
  if (/^\d/.test(version)) return { kind: "usable", version };
  return { kind: "unusable", problem: `"${path} --version" told no version: ${shortMessage ?? stdout.slice(0, 200)}` };
}
