import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type GitServer, startGitServer } from "../git/git-server.ts";
import { makeRepository } from "../git/make-repository.ts";
import { createTask, watchToEnd } from "../system/jobs.ts";
import { startSystem, type TestSystem } from "../system/start-system.ts";
import { openBrowser } from "./open-browser.ts";

let folder: string;
let git: GitServer;
let system: TestSystem;
let browser: Awaited<ReturnType<typeof openBrowser>>;
let page: Page;
const faults: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "repositories-"));
  await makeRepository(folder, "acme/site", [{ message: "Begin", files: { "a.txt": "one\n" } }]);
  git = await startGitServer({ folder });
  const pages = join(import.meta.dirname, "../../web-client/dist");
  [system, browser] = await Promise.all([
    startSystem({ pages, runnerEnv: { ALLOW_INSECURE_GIT: "true" } }),
    openBrowser(),
  ]);
  page = await browser.context.newPage();
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
});
afterEach(() => {
  expect(faults.splice(0)).toEqual([]);
});
afterAll(async () => {
  await browser.close();
  await system.stop();
  await git.close();
  await rm(folder, { recursive: true });
});

test("what a job changed is shown as text, whatever it is", async () => {
  const html = "<img src=x onerror=alert(1)>";
  const command = `echo '${html}' >> a.txt; mkdir 'b'; echo x > 'b/<b>.txt'`;
  const { id } = await createTask(system, command, { repoRef: `${git.url}/acme/site` });
  await watchToEnd(system, id);
  await page.goto(`${system.gatewayUrl}/jobs/${id}`);
  await page.getByRole("tab", { name: "Diff" }).click();
  const diff = page.getByRole("region", { name: "Diff" });
  await diff.getByText(`+${html}`).waitFor();
  await diff.getByText("b/<b>.txt", { exact: true }).waitFor();
  expect(await diff.locator("img, b").count()).toBe(0);
  expect(await diff.innerText()).toContain("2 files against");
  expect(page.url()).toBe(`${system.gatewayUrl}/jobs/${id}/diff`);
});

test("a job on no repository has no diff to show", async () => {
  const { id } = await createTask(system, "echo hello");
  await watchToEnd(system, id);
  await page.goto(`${system.gatewayUrl}/jobs/${id}/diff`);
  await page.getByRole("log", { name: "Output" }).getByText("hello", { exact: true }).waitFor();
  expect(await page.getByRole("tab", { name: "Diff" }).count()).toBe(0);
});
