import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseConfig } from "../runner/src/config.ts";
import { readCommands, runCommands } from "./guide/doc-commands.ts";
import { startSystem, type TestSystem } from "./system/start-system.ts";

const root = join(import.meta.dirname, "..");

describe("the commands of docs/operate.md, against a gateway that is open to keys alone", () => {
  let system: TestSystem;
  let variables: Readonly<Record<string, string>>;
  beforeAll(async () => {
    const { key, entry } = await makeKey();
    system = await startSystem({ gatewayVars: { LOCAL_DEV: "0", API_KEYS: entry } });
    variables = { RUNNER: system.runnerUrl, GATEWAY: system.gatewayUrl, API_KEY: key };
  });
  afterAll(() => system.stop());

  /** What the section's blocks print, in their order. */
  async function run(heading: string): Promise<readonly string[]> {
    const printed: string[] = [];
    for (const block of await readCommands(heading)) printed.push(await runCommands(block, variables));
    return printed;
  }

  test("1. the tunnel leads to the runner", async () => {
    expect(await run("### 1. The tunnel leads to the runner")).toEqual(['{"status":"ok","version":"1.0.0"}']);
  });

  test("2. the gateway reaches the runner", async () => {
    const [answer = ""] = await run("### 2. The gateway reaches the runner");
    expect(answer).toMatch(/^\{"runner":"connected","latency_ms":\d+\}$/);
  });

  test("3. a test job runs, its events stream to the end, its log is there", async () => {
    const [create = "", follow = ""] = await readCommands("### 3. A test job runs");
    const job = JSON.parse(await runCommands(create, variables)) as { id: string; status: string };
    expect(job).toMatchObject({ id: expect.stringMatching(/^job_/), status: "pending", command: "echo hello" });
    const followed = await runCommands(follow, { ...variables, JOB: job.id });
    expect(followed).toMatch(/event: end\ndata: .*"status":"succeeded".*\nhello$/s);
    const [show = ""] = await readCommands("### Jobs stay pending");
    const shown = await runCommands(show.replace(/^journalctl.*$/m, ""), { ...variables, JOB: job.id });
    expect(JSON.parse(shown)).toMatchObject({ id: job.id, status: "succeeded" });
  });

  test("troubleshooting begins with what the gateway says of its runners", async () => {
    const [answers = ""] = await run("## Troubleshooting");
    expect(answers).toMatch(/"runner":"connected".*"name":"vm-1".*"runners":\[.*"state":"online"/s);
  });

  test("a caller without a key is told which header to send", async () => {
    const response = await fetch(`${system.gatewayUrl}/api/jobs`);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe('Bearer realm="blazecraft"');
    expect(await response.text()).toContain("Authorization: Bearer bc_…");
  });
});

test("a gateway with another secret says to whoever has a key that the runner refuses it", async () => {
  const { key, entry } = await makeKey();
  const gatewayVars = { LOCAL_DEV: "0", API_KEYS: entry, RUNNER_SECRET: "f".repeat(64) };
  const system = await startSystem({ gatewayVars });
  try {
    const variables = { GATEWAY: system.gatewayUrl, API_KEY: key };
    const [ask = ""] = await readCommands("## Troubleshooting");
    expect(await runCommands(ask, variables)).toMatch(/"runner":"disconnected".*secret/);
    const [anonymous = ""] = await readCommands("### 2. The gateway reaches the runner");
    expect(await runCommands(anonymous, variables)).toBe('{"runner":"disconnected","latency_ms":null}');
  } finally {
    await system.stop();
  }
});

test("the gateway deploys without an account as far as a dry run goes, and the secrets to set are printed", async () => {
  const [block = ""] = await readCommands("## Step 4: Deploy the gateway and set its secrets");
  const [dryRun = ""] = block.split("\n");
  const printed = await runCommands(dryRun, {});
  expect(printed).toContain("--dry-run: exiting now");
  expect(printed).toContain("npx wrangler secret put RUNNER_SECRET --config gateway/wrangler.jsonc");
});

describe(".env.example", () => {
  const read = () => readFile(join(root, ".env.example"), "utf8");

  test("is refused until it has a secret", async () => {
    const example = parseEnv(await read());
    await expect(parseConfig(example)).rejects.toThrow(/GATEWAY_SECRET is the example's/);
    const filled = { ...example, GATEWAY_SECRET: "0123456789abcdef".repeat(4) };
    expect(await parseConfig(filled)).toMatchObject({ slots: 3, listen: { host: "127.0.0.1", port: 8787 } });
  });

  test("holds the defaults it claims, and every variable that the runner reads", async () => {
    const chosen = { GATEWAY_SECRET: "0123456789abcdef".repeat(4) };
    const uncommented = parseEnv((await read()).replace(/^#(?=[A-Z_]+=)/gm, ""));
    const { GRPC_PORT: _, ...defaults } = uncommented;
    expect(await parseConfig({ ...defaults, ...chosen })).toEqual(await parseConfig(chosen));
    const source = await readFile(join(root, "runner/src/config.ts"), "utf8");
    const names = Array.from(source.matchAll(/variables\.\w+\("([A-Z_]+)"/g), ([, name]) => name);
    expect(Object.keys(uncommented)).toEqual(expect.arrayContaining(names.filter((name) => name !== "PATH")));
  });
});

/** What the command of step 4 prints. */
async function makeKey(): Promise<{ readonly key: string; readonly entry: string }> {
  const block = (await readCommands("## Step 4: Deploy the gateway and set its secrets")).at(-1) ?? "";
  const [command = ""] = block.split("\n");
  const printed = await runCommands(command.replace("2027", "2099"), {});
  return { key: /\bbc_\S+/.exec(printed)?.[0] ?? "", entry: /\balice:\S+/.exec(printed)?.[0] ?? "" };
}
