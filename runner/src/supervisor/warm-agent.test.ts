import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { processesIn } from "../../testing/start-runner.ts";
import { workspaceSettings } from "../../testing/workspace-settings.ts";
import { openOutputPipes } from "../process/pipe.ts";
import { noSandbox } from "../sandbox/none.ts";
import { sessionRoot, sessionsDirectory } from "./session-directory.ts";
import { WarmAgent } from "./warm-agent.ts";

vi.setConfig({ testTimeout: 60_000 });

const home = process.cwd();
const claudePath = fileURLToPath(new URL("../../../node_modules/.bin/claude", import.meta.url));
const session = "warm_0123456789abcdef";
let directory: string;
let heard: string[];

beforeEach(() => {
  directory = mkdtempSync(`${tmpdir()}/blazecraft-warm-`);
  process.chdir(directory);
  mkdirSync(sessionsDirectory);
  heard = [];
});
afterEach(() => {
  process.chdir(home);
  rmSync(directory, { recursive: true });
});

async function startAgent({ maxWaitMs = 60_000, program = claudePath } = {}): Promise<WarmAgent> {
  const [pipes] = await openOutputPipes(".", 1);
  return new WarmAgent({
    session,
    agent: "claude",
    settings: {
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
      executors: { searchPath: "", claudePath: program },
    },
    sandbox: noSandbox,
    network: undefined,
    takePipes: () => {
      if (pipes === undefined) throw new Error("there are no pipes");
      return pipes;
    },
    maxWaitMs,
    onReady: () => heard.push("ready"),
    onGone: () => heard.push("gone"),
  });
}

function openFiles(): number {
  return readdirSync("/proc/self/fd").length;
}

test("an agent that nobody wanted for long is gone, with its process, its socket and what was open", async () => {
  const open = openFiles();
  const agent = await startAgent({ maxWaitMs: 3000 });
  await expect.poll(() => heard).toEqual(["ready"]);
  expect(processesIn(`${directory}/${sessionRoot(session)}`)).toHaveLength(1);
  await expect.poll(() => heard).toEqual(["ready", "gone"]);
  expect(agent.keepFor(session)).toBe(false);
  expect(processesIn(`${directory}/${sessionRoot(session)}`)).toEqual([]);
  expect(existsSync(`${sessionRoot(session)}/model.sock`)).toBe(false);
  await expect.poll(() => openFiles()).toBeLessThanOrEqual(open);
});

test("an agent is kept for the job that took its session, and for no other", async () => {
  const agent = await startAgent();
  expect(agent.keepFor(session)).toBe(false);
  await expect.poll(() => heard).toEqual(["ready"]);
  expect(agent.keepFor("job_0")).toBe(false);
  expect(agent.keepFor(session)).toBe(true);
  expect(agent.keepFor(session)).toBe(false);
  await agent.remove();
  expect(readdirSync(sessionsDirectory)).toEqual([]);
});

test("an agent that cannot be started is gone at once", async () => {
  await startAgent({ program: "/nowhere/claude" });
  await expect.poll(() => heard).toEqual(["gone"]);
});
