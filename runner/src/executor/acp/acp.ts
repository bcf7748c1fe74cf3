import { type AgentWork, EndCause } from "#gen/job/v1/job_pb.js";
import { withAttachmentNote } from "../attachment-note.ts";
import {
  type Execution,
  type Executor,
  type ExecutorJob,
  type ExecutorSettings,
  type ExecutorStatus,
  Unstartable,
} from "../executor.ts";
import { findProgram } from "../find-program.ts";
import { namedFiles, type ProgramFiles, programFiles } from "../program-files.ts";
import { type AcpAgent, agentEnvironment } from "./acp-agent.ts";

/**
 * Runs an agent that speaks the Agent Client Protocol for one prompt, and what people add to it, to its end. What speaks
 * the protocol takes 30 MB and is loaded by those who need it alone: each supervisor knows this executor.
 */
export function acpExecutor(name: string, agent: AcpAgent): Executor {
  return {
    name,
    async probe(settings, signal): Promise<ExecutorStatus> {
      const found = await findAgent(agent, settings);
      if (found === undefined) return { kind: "unusable", problem: missing(name, agent) };
      const { probeAgent } = await import("./probe-agent.ts");
      // As in a job, but for the model: to introduce itself it needs none.
      const PATH = settings.jobPath ?? settings.searchPath;
      const env = { PATH, ...agentEnvironment(agent, { baseUrl: "http://127.0.0.1", key: "none" }) };
      return probeAgent({ argv: commandLine(found, agent), env }, signal);
    },
    async prepare(job): Promise<Execution> {
      const found = await findAgent(agent, job.settings);
      if (found === undefined) {
        throw new Unstartable({ cause: EndCause.AGENT_NOT_INSTALLED, message: missing(name, agent) });
      }
      const work = supportedWork(name, job);
      const { model, effort } = work;
      const prompt = withAttachmentNote(work.prompt, job.attachments);
      const { AcpSession } = await import("./acp-session.ts");
      const { workspace, permissionMode } = job;
      const wish = { workspace, permissionMode, model, effort };
      const session = new AcpSession({ name, prompt, job, wish, now: () => performance.now() });
      return {
        argv: commandLine(found, agent),
        readable: [...found.readable, ...(job.attachments === undefined ? [] : [job.attachments.directory])],
        env: await environment(agent, job),
        stdin: { kind: "pipe", opened: (stdin) => session.begin(stdin) },
        lingerMs,
        stdout: { kind: "lines", maxLineBytes, line: (line) => session.take(line) },
        steering: session,
        conclude: (end) => session.conclude(end),
      };
    },
  };
}

// The protocol has no word for leaving: some agents do so when their input ends, some never.
const lingerMs = 5000;

// Lines repeat whole files.
const maxLineBytes = 32 * 1024 * 1024;

async function findAgent(
  { command: [program, ...args] }: AcpAgent,
  { searchPath }: ExecutorSettings,
): Promise<ProgramFiles | undefined> {
  const path = await findProgram(program, searchPath);
  if (path === undefined) return undefined;
  const files = await programFiles(path);
  return { ...files, readable: [...files.readable, ...(await namedFiles(args))] };
}

function commandLine({ path }: ProgramFiles, { command: [, ...args] }: AcpAgent): Execution["argv"] {
  return [path, ...args];
}

async function environment(agent: AcpAgent, { model }: ExecutorJob): Promise<Execution["env"]> {
  const address = await model?.listen("loopback");
  const place = model && address?.kind === "loopback" ? { baseUrl: address.url, key: model.token } : undefined;
  const env = agentEnvironment(agent, place);
  if (env === undefined) throw new Unstartable({ cause: EndCause.AGENT_NOT_AUTHENTICATED, message: noKey });
  return env;
}

const noKey = "The runner has no key for the model; set ANTHROPIC_API_KEY on the runner.";

function missing(name: string, { command: [program] }: AcpAgent): string {
  return `ACP_AGENTS has "${name}" run "${program}", which is not a program on the runner.`;
}

/** What the protocol has no words for would be ignored; nobody shall believe that it holds. */
function supportedWork(name: string, { spec, jobId }: ExecutorJob): AgentWork {
  if (spec.work.case !== "agent") throw new Error(`${jobId} is not a job for an agent`);
  const work = spec.work.value;
  const given = {
    allowed_tools: work.allowedTools.length > 0,
    denied_tools: work.deniedTools.length > 0,
    append_system_prompt: work.appendSystemPrompt !== "",
    mcp_servers: work.mcpServers.length > 0,
    "limits.max_turns": (spec.limits?.maxTurns ?? 0) > 0,
  };
  const unsupported = Object.entries(given).flatMap(([field, isGiven]) => (isGiven ? [field] : []));
  if (unsupported.length === 0) return work;
  const message = `The agent "${name}" cannot be given ${unsupported.join(", ")}; leave that out, or use another agent.`;
  throw new Unstartable({ cause: EndCause.UNSTARTABLE, message });
}
