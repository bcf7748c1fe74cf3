import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

/** A line that the CLI printed. */
export interface Line {
  readonly type: string;
  readonly subtype?: string;
  readonly [field: string]: unknown;
}

/** What a driver may do while the CLI runs. */
export interface Claude {
  send(line: object): void;
  /** Close its standard input: it ends after the turn. */
  end(): void;
}

/** One run of the CLI. */
export interface Drive {
  readonly modelUrl: string;
  readonly sessionId: string;
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Files of the workspace, by path. */
  readonly files: Readonly<Record<string, string>>;
  /** Lines that are sent before the prompt. */
  readonly opening?: readonly object[];
  readonly prompt: string;
  /** Called with each line. It is the driver that ends the run. */
  readonly onLine: (line: Line, claude: Claude) => void;
}

/** What a finished run printed, and where it ran. */
export interface Driven {
  readonly lines: readonly string[];
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly home: string;
  readonly workspace: string;
}

const longestRunMs = 60_000;
const claudePath = join(import.meta.dirname, "../../node_modules/.bin/claude");
const streaming = ["-p", "--verbose", "--input-format", "stream-json", "--output-format", "stream-json"];
const isolating = ["--include-partial-messages", "--setting-sources", "user", "--strict-mcp-config"];

/** Run the real CLI in an empty home and a workspace of the given files, both removed afterwards. */
export async function driveClaude(drive: Drive): Promise<Driven> {
  const room = await mkdtemp(join(tmpdir(), "claude-"));
  try {
    const [home, workspace] = [join(room, "home"), join(room, "workspace")];
    await mkdir(home);
    await layOut(workspace, drive.files);
    return { ...(await run(drive, { home, workspace })), home, workspace };
  } finally {
    await rm(room, { recursive: true, maxRetries: 5 });
  }
}

async function run(drive: Drive, { home, workspace }: { home: string; workspace: string }) {
  const child = spawn(claudePath, [...streaming, ...isolating, "--session-id", drive.sessionId, ...drive.flags], {
    cwd: workspace,
    env: { ...environment(drive.modelUrl, home), ...drive.environment },
    timeout: longestRunMs,
  });
  const claude: Claude = {
    send: (line) => void child.stdin.write(`${JSON.stringify(line)}\n`),
    end: () => void child.stdin.end(),
  };
  const closed = once(child, "close");
  const stderr: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => stderr.push(text));
  for (const line of drive.opening ?? []) claude.send(line);
  claude.send({ type: "user", message: { role: "user", content: drive.prompt } });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    drive.onLine(JSON.parse(line), claude);
  }
  const [exitCode]: (number | null)[] = await closed;
  return { lines, stderr: stderr.join(""), exitCode: exitCode ?? null };
}

function environment(modelUrl: string, home: string): Record<string, string> {
  return {
    PATH: process.env.PATH ?? "",
    HOME: home,
    CLAUDE_CODE_TMPDIR: home,
    ANTHROPIC_BASE_URL: modelUrl,
    ANTHROPIC_API_KEY: "dummy",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
    // Root may bypass permissions only in what it takes for a sandbox.
    IS_SANDBOX: "1",
  };
}

async function layOut(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(folder);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}
