import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createTask } from "../system/jobs.ts";
import { startSystem, type TestSystem } from "../system/start-system.ts";
import { openBrowser } from "./open-browser.ts";

let system: TestSystem;
let browser: Awaited<ReturnType<typeof openBrowser>>;
let page: Page;
const faults: string[] = [];

beforeAll(async () => {
  const pages = join(import.meta.dirname, "../../web-client/dist");
  [system, browser] = await Promise.all([startSystem({ pages }), openBrowser()]);
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
});

/** Fills the Job Panel's form for a task and runs it. */
async function runTask(command: string): Promise<void> {
  const panel = page.getByRole("region", { name: "Job panel" });
  await panel.getByRole("tab", { name: "New" }).click();
  await panel.getByRole("radio", { name: "Task" }).check();
  await panel.getByRole("textbox", { name: "Repository" }).fill("test");
  await panel.getByRole("textbox", { name: "Command" }).fill(command);
  await panel.getByRole("button", { name: "Run job" }).click();
}

test("the Job Panel in the bottom HUD creates a job, and its output streams in", async () => {
  await page.goto(system.gatewayUrl);
  await runTask("echo hello; echo oops >&2");
  const output = page.getByRole("log", { name: "Output" });
  await output.getByText("hello", { exact: true }).waitFor();
  await output.getByText("oops", { exact: true }).waitFor();
  await page.locator(".job-head .state-word").getByText("succeeded").waitFor();
  expect(page.url()).toMatch(/\/jobs\/job_[0-9a-z]{16}$/);
});

test("a reload in mid-stream shows the whole output, once", async () => {
  await runTask("for i in $(seq 1 40); do echo line $i; sleep 0.05; done");
  const output = page.getByRole("log", { name: "Output" });
  await output.getByText("line 5", { exact: true }).waitFor();
  await page.reload();
  await output.getByText("line 40", { exact: true }).waitFor();
  await page.locator(".job-head .state-word").getByText("succeeded").waitFor();
  for (const line of ["line 1", "line 20", "line 40"]) {
    expect(await output.getByText(line, { exact: true }).count()).toBeLessThanOrEqual(1);
  }
});

test("Stop cancels a running job, and the page says so", async () => {
  await runTask("echo started; sleep 1000");
  await page.getByRole("log", { name: "Output" }).getByText("started", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await page.getByRole("button", { name: "Confirm stop" }).click();
  await page.locator(".job-head .state-word").getByText("canceled").waitFor();
});

test("a second tab reads no stream of its own, and shows what happens all the same", async () => {
  const second = await browser.context.newPage();
  const streams: string[] = [];
  second.on("request", (request) => {
    if (request.url().endsWith("/WatchJobs")) streams.push(request.url());
  });
  await second.goto(`${system.gatewayUrl}/jobs`);
  await second.getByRole("heading", { name: "Jobs" }).waitFor();
  await runTask("echo seen in both tabs");
  await second.getByRole("tab", { name: /^Jobs/ }).click();
  await second.getByRole("list", { name: "Newest jobs" }).getByText("echo seen in both tabs").waitFor();
  expect(streams).toEqual([]);
  await second.close();
});

test("files that a job left are listed with their sizes, and saved at a press", async () => {
  const command = "mkdir out; echo done > 'out/the report #1.txt'; ln -s /etc/passwd out/link";
  const { id } = await createTask(system, command, { artifacts: ["out"] });
  await page.goto(`${system.gatewayUrl}/jobs/${id}`);
  await page.getByText("Artifacts: 1 file, 1 left out").click();
  await page.getByText("It is a symbolic link.").waitFor();
  await page.getByText("5 B", { exact: true }).waitFor();
  const saving = page.waitForEvent("download");
  await page.getByRole("link", { name: "out/the report #1.txt" }).click();
  const saved = await saving;
  expect(saved.suggestedFilename()).toBe("the report #1.txt");
  expect(await readFile(await saved.path(), "utf8")).toBe("done\n");
});

test("output that looks like markup stays text", async () => {
  await runTask(`echo '<img src=x onerror="document.title=1"><script>alert(1)</script>'`);
  await page.getByRole("log", { name: "Output" }).getByText("<script>alert(1)</script>").waitFor();
  expect(await page.title()).not.toBe("1");
});
