import { tmpdir } from "node:os";
import { execa } from "execa";
import { type AgentWork, EndCause } from "#gen/job/v1/job_pb.js";
import { withAttachmentNote } from "../attachment-note.ts";
import {
  type Execution,
  type Executor,
  type ExecutorJob,
  type ExecutorStatus,
  type Launch,
  Unstartable,
} from "../executor.ts";
import { ClaudeSession } from "./claude-session.ts";
import { claudeArguments, claudeEnvironment, modelFiles } from "./command-line.ts";
import { claudeEarlyStart, lateRequests } from "./early-start.ts";
import { findClaude, requireClaude } from "./find-claude.ts";
import { mcpPrograms, writeMcpFile } from "./mcp-file.ts";
import { holdsSession } from "./session-file.ts";
import { sessionIdOf } from "./session-id.ts";

/** Runs Claude Code for one prompt to its result. */
export const claudeExecutor: Executor = {
  name: "claude",
  sessions: { idFor: sessionIdOf, holds: holdsSession, store: [".claude/projects"] },
  early: claudeEarlyStart,
  async probe(settings, signal): Promise<ExecutorStatus> {
    const program = await findClaude(settings);
    if (program.kind === "missing") return { kind: "unusable", problem: program.problem };
    return readVersion(program.path, settings.searchPath, signal);
  },
  async prepare(job): Promise<Execution> {
    const { spec, permissionMode, attachments, waiting } = job;
    const work = agentWork(job);
    const prompt = withAttachmentNote(work.prompt, attachments);
    const maxTurns = spec.limits?.maxTurns ?? 0;
    const late = waiting && lateRequests(work, permissionMode);
    const session = new ClaudeSession({ prompt, maxTurns, job, now: Date.now, late });
    return {
      ...(waiting ?? (await prepareLaunch(job, work))),
      stdin: { kind: "pipe", opened: (stdin) => session.begin(stdin) },
      stdout: { kind: "lines", maxLineBytes, line: (line) => session.take(line) },
      steering: session,
      conclude: (end) => session.conclude(end),
    };
  },
};

async function prepareLaunch(job: ExecutorJob, work: AgentWork): Promise<Launch> {
  const { settings, spec, tmp, session, permissionMode, attachments, resumes, model } = job;
  const program = await requireClaude(settings);
  if (model === undefined) {
    throw new Unstartable({ cause: EndCause.AGENT_NOT_AUTHENTICATED, message: noKey });
  }
  const access = { address: await model.listen("socket"), token: model.token };
  const isRoot = process.getuid?.() === 0;
  const argv = claudeArguments({
    work,
    limits: spec.limits,
    sessionId: sessionIdOf(session),
    resumes,
    permissionMode,
    attachments,
    mcpFile: writeMcpFile(work.mcpServers, settings, tmp),
    allowRepositorySettings: settings.allowRepositorySettings ?? false,
  });
  return {
    argv: [program.path, ...argv],
    env: claudeEnvironment({ model: access, tmp, isRoot }),
    readable: [
      ...program.readable,
      ...modelFiles(access.address),
      ...(attachments === undefined ? [] : [attachments.directory]),
      ...(await mcpPrograms(work.mcpServers, settings)),
    ],
  };
}

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
