import { closeSync, constants, openSync, writeFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { create } from "@bufbuild/protobuf";
import { type AgentWork, AgentWorkSchema, PermissionMode } from "#gen/job/v1/job_pb.js";
import type { EarlyStart } from "../executor.ts";
import { initialize } from "./claude-session.ts";
import { type ClaudeStart, claudeArguments, claudeEnvironment, modelFiles } from "./command-line.ts";
import { requireClaude } from "./find-claude.ts";
import { requestLine } from "./input-line.ts";
import { cliModeName } from "./permission-mode.ts";
import { sessionIdOf } from "./session-id.ts";

/** Claude Code, started before there is a job. It takes half a second, which the job that gets it does not wait for. */
export const claudeEarlyStart: EarlyStart = {
  serves({ work, limits, env }, { allowRepositorySettings = false }) {
    if (work.case !== "agent" || Object.keys(env).length > 0) return false;
    const { attachments, mcpServers } = work.value;
    const wanted = claudeArguments({
      ...nobodysStart,
      work: { ...work.value, ...lateWishes },
      limits,
      attachments: attachments.length === 0 ? undefined : { directory: "attachments", names: [] },
      mcpFile: mcpServers.length === 0 ? undefined : "mcp-servers.json",
      allowRepositorySettings,
    });
    return isDeepStrictEqual(wanted, claudeArguments(nobodysStart));
  },
  async prepare({ settings, session, tmp, model }) {
    const program = await requireClaude(settings);
    // Read before each command that the agent runs. Nobody else may enter tmp.
    const variablesFile = `${tmp}/variables.sh`;
    writeFileSync(variablesFile, "", { mode: 0o644 });
    const isRoot = process.getuid?.() === 0;
    return {
      argv: [program.path, ...claudeArguments({ ...nobodysStart, sessionId: sessionIdOf(session) })],
      env: { ...claudeEnvironment({ model, tmp, isRoot }), CLAUDE_ENV_FILE: variablesFile },
      readable: [...program.readable, ...modelFiles(model.address)],
      greeting: requestLine("greeting", initialize),
      tell: (variables) => overwrite(variablesFile, Object.entries(variables).map(exportLine).join("")),
    };
  },
};

/** What a program that was started early is asked for on behalf of its job, before the prompt. */
export function lateRequests({ model }: AgentWork, permissionMode: PermissionMode): readonly object[] {
  const mode = { subtype: "set_permission_mode", mode: cliModeName(permissionMode) };
  return model === "" ? [mode] : [mode, { subtype: "set_model", model }];
}

/** Follows no link, which could lead to what is not the agent's. */
function overwrite(path: string, text: string): void {
  const file = openSync(path, constants.O_WRONLY | constants.O_TRUNC | constants.O_NOFOLLOW);
  writeFileSync(file, text);
  closeSync(file);
}

/** Of what a job wants, this can be asked for later. */
const lateWishes = { model: "" };

/** For whichever job comes. */
const nobodysStart: ClaudeStart = {
  work: create(AgentWorkSchema),
  limits: undefined,
  sessionId: "",
  resumes: undefined,
  attachments: undefined,
  mcpFile: undefined,
  allowRepositorySettings: false,
  permissionMode: PermissionMode.ASK,
};

function exportLine([name, value]: readonly [string, string]): string {
  return `export ${name}='${value.replaceAll("'", "'\\''")}'\n`;
}
