import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openLogFile } from "./log-file.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "log-file-"));
  path = join(folder, "runner.log");
});
afterEach(() => rm(folder, { recursive: true }));

test("a new run puts the log of the last one aside", async () => {
  openLogFile(path).append("first run");
  openLogFile(path).append("second run");
  expect(await readFile(path, "utf8")).toBe("second run\n");
  expect(await readFile(`${path}.1`, "utf8")).toBe("first run\n");
});

test("a log never takes more than twice its limit", async () => {
  const log = openLogFile(path, { maxBytes: 100 });
  for (let line = 0; line < 100; line += 1) log.append(`line ${line}`);
  const files = await readdir(folder);
  expect(files.sort()).toEqual(["runner.log", "runner.log.1"]);
  expect((await readFile(`${path}.1`)).length).toBeLessThan(120);
  expect((await readFile(path)).length).toBeLessThan(120);
});

test("its newest lines stay at hand", () => {
  const log = openLogFile(path);
  for (let line = 1; line <= 30; line += 1) log.append(`line ${line}`);
  expect(log.tail().at(0)).toBe("line 19");
  expect(log.tail().at(-1)).toBe("line 30");
});
