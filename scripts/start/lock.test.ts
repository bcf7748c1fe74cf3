import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { takeLock } from "./lock.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lock-"));
  path = join(folder, "lock");
});
afterEach(() => rm(folder, { recursive: true }));

test("a second holder is refused until the first lets go", async () => {
  const first = await takeLock(path);
  await expect(takeLock(path)).rejects.toThrow("already running");
  await first.release();
  await (await takeLock(path)).release();
});

test("the lock of a killed process is free", async () => {
  const holder = spawn(process.execPath, [
    "-e",
    `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`,
  ]);
  await once(holder, "exit");
  expect(existsSync(path)).toBe(true);
  await (await takeLock(path)).release();
});
