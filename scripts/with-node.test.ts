import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";

const wrapper = join(import.meta.dirname, "with-node.mjs");
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "with-node-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("a script gets its arguments, and its exit code is handed back", async () => {
  const { output, exitCode } = await run("console.log(process.argv.slice(2).join()); process.exit(7);", "a", "--b=c d");
  expect({ output, exitCode }).toEqual({ output: "a,--b=c d\n", exitCode: 7 });
});

test("a script finds the tools of node_modules first on its PATH", async () => {
  const { output } = await run("console.log(process.env.PATH);");
  expect(output.split(delimiter)[0]).toBe(join(import.meta.dirname, "../node_modules/.bin"));
});

test.each(["SIGINT", "SIGTERM"] as const)("%s is the script's to act on", async (signal) => {
  const child = await start(`
    process.on("${signal}", () => process.exit(5));
    setInterval(() => {}, 1000);
    console.log("ready");`);
  await once(child.stdout, "data");
  child.kill(signal);
  expect(await once(child, "exit")).toEqual([5, null]);
});

test("a script that dies of a signal is reported so", async () => {
  const { exitCode, signal } = await run("process.kill(process.pid, 'SIGTERM'); setInterval(() => {}, 1000);");
  expect({ exitCode, signal }).toEqual({ exitCode: null, signal: "SIGTERM" });
});

async function run(source: string, ...args: readonly string[]) {
  const child = await start(source, ...args);
  const [output, [exitCode, signal]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  return { output, exitCode, signal };
}

async function start(source: string, ...args: readonly string[]) {
  const script = join(folder, "script.mjs");
  await writeFile(script, source);
  return spawn(process.execPath, [wrapper, script, ...args], { stdio: ["ignore", "pipe", "ignore"] });
}
