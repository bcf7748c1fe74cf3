import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

vi.setConfig({ testTimeout: 30_000 });

const module = fileURLToPath(new URL("./data-directory.ts", import.meta.url));
const program = `
  import { existsSync } from "node:fs";
  const { claimDataDirectory } = await import(${JSON.stringify(module)});
  const [path] = process.argv.slice(-1);
  console.log("ready");
  while (!existsSync(path + "/go"));
  try {
    claimDataDirectory(path);
    console.log("claimed");
  } catch (error) {
    console.log(error.message);
  }
  process.stdin.resume();
`;
let path: string;
let children: ChildProcess[];

beforeEach(() => {
  path = mkdtempSync(`${tmpdir()}/blazecraft-claim-`);
  children = [];
});

afterEach(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(path, { recursive: true });
});

/** A process that claims the directory as soon as a file named "go" is in it, and stays. */
async function startClaimant(): Promise<{ pid: number; answer: Promise<string> }> {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program, path], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  await lines.next();
  return { pid: child.pid ?? 0, answer: lines.next().then(({ value }) => String(value)) };
}

test("of runners that start at the same moment on what a dead one left, one gets the data directory", async () => {
  writeFileSync(`${path}/runner.lock`, JSON.stringify({ pid: 1, startTime: -1, bootId: "" }));
  const claimants = await Promise.all(Array.from({ length: 6 }, startClaimant));
  writeFileSync(`${path}/go`, "");
  const answers = await Promise.all(claimants.map(({ answer }) => answer));
  const winner = claimants[answers.indexOf("claimed")];
  expect(answers.filter((answer) => answer !== "claimed")).toHaveLength(5);
  const known = /^claimed$|is in use by (the runner with process id \d+|another runner that starts)$/;
  for (const answer of answers) expect(answer).toMatch(known);
  expect(JSON.parse(readFileSync(`${path}/runner.lock`, "utf8"))).toMatchObject({ pid: winner?.pid });
  expect(readdirSync(path).sort()).toEqual(["go", "runner.lock"]);
});

test("a lock that was emptied by a crash of the machine is taken over", async () => {
  writeFileSync(`${path}/runner.lock`, Buffer.alloc(60));
  writeFileSync(`${path}/go`, "");
  const { answer } = await startClaimant();
  expect(await answer).toBe("claimed");
});
