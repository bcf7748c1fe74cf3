import type { MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type AgentWorkSchema, PermissionMode } from "#gen/job/v1/job_pb.js";
import type { StartJobRequest } from "#gen/runner/v1/runner_service_pb.js";
import { startRequest } from "../../testing/jobs.ts";
import { workspaceSettings } from "../../testing/workspace-settings.ts";
import type { JobSettings } from "../supervisor/settings.ts";
import { canUseWarmAgent } from "./warm-use.ts";

const settings: JobSettings = {
  path: "/usr/bin:/bin",
  taskWallMs: 60_000,
  maxLogBytes: 1 << 20,
  artifacts: { maxBytes: 1 << 20, minFreeBytes: 0 },
  workspace: workspaceSettings,
  gitAuthor: { name: "Runner", email: "runner@example.com" },
  model: { baseUrl: "", silenceMs: 0, dayBudgetMicros: 0 },
  redact: [],
  egress: { allowed: [], mayAllowMore: true, exemptAddresses: [] },
  share: { memoryBytes: 1 << 28, maxProcesses: 512, diskBytes: 1 << 30 },
  executors: { searchPath: "/usr/bin:/bin" },
};

type Work = Partial<MessageInitShape<typeof AgentWorkSchema>>;

function agentRequest(work: Work, spec: Parameters<typeof startRequest>[1] = {}): StartJobRequest {
  const value = { agent: "claude", prompt: "Go.", ...work } as MessageInitShape<typeof AgentWorkSchema>;
  return startRequest("", { ...spec, work: { case: "agent", value } });
}

test("an agent that waits serves any prompt, model, mode and budget", () => {
  const work = { prompt: "x", model: "claude-sonnet-5-5", permissionMode: PermissionMode.BYPASS };
  const limits = { budgetMicros: 50_000n, ask: { seconds: 60n } };
  expect(canUseWarmAgent(agentRequest(work, { limits }), settings)).toBe(true);
});

test.each<[string, StartJobRequest]>([
  ["a task", startRequest("true")],
  ["another agent", agentRequest({ agent: "other" })],
  ["a repository, which it would not have seen", agentRequest({}, { repoRef: "acme/site" })],
  ["a session that goes on", { ...agentRequest({}), continues: "job_1" }],
  ["variables", agentRequest({}, { env: { COLOR: "red" } })],
  ["a system prompt", agentRequest({ appendSystemPrompt: "Be brief." })],
  ["effort", agentRequest({ effort: "high" })],
  ["allowed tools", agentRequest({ allowedTools: ["Read"] })],
  ["denied tools", agentRequest({ deniedTools: ["Bash"] })],
  ["MCP servers", agentRequest({ mcpServers: ["docs"] })],
  ["attachments", agentRequest({ attachments: [{ sha256: "0".repeat(64), name: "a.txt" }] })],
  ["a limit of turns", agentRequest({}, { limits: { maxTurns: 3 } })],
])("it does not serve %s", (_, request) => {
  expect(canUseWarmAgent(request, settings)).toBe(false);
});
