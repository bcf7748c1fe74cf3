import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openStateFolder } from "./state-folder.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "state-folder-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("the secret is made once, for its owner's eyes alone", async () => {
  const path = join(folder, "state");
  const { secret } = await openStateFolder(path);
  expect(secret).toMatch(/^[0-9a-f]{64}$/);
  expect((await openStateFolder(path)).secret).toBe(secret);
  expect((await stat(join(path, "secret"))).mode & 0o777).toBe(0o600);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
});
