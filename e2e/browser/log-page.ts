import { join } from "node:path";
import type { BrowserContext, Locator, Page } from "playwright-core";
import { createTask, watchToEnd } from "../system/jobs.ts";
import type { TestSystem } from "../system/start-system.ts";

/** The log of a job as a person sees it. */
export interface LogPage {
  readonly page: Page;
  readonly jobId: string;
  readonly log: Locator;
  /** What stands above it: how much of the log is here, or how a search stands. */
  readonly state: Locator;
  /** What went wrong in the page until now. */
  readonly faults: readonly string[];
}

/** Runs a command to its end and opens its log. */
export async function openLogOf(system: TestSystem, context: BrowserContext, command: string): Promise<LogPage> {
  const { id } = await createTask(system, command);
  await watchToEnd(system, id);
  return openLog(context, { url: system.gatewayUrl, jobId: id });
}

/** Opens the log of a job at the gateway, or at what stands in front of it. */
export async function openLog(
  context: BrowserContext,
  { url, jobId, hash = "" }: { readonly url: string; readonly jobId: string; readonly hash?: string },
): Promise<LogPage> {
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.text().includes("net::ERR")) faults.push(message.text());
  });
  await page.addInitScript({ path: join(import.meta.dirname, "log-probe.js") });
  await page.goto(`${url}/jobs/${jobId}/log${hash}`);
  const log = page.getByRole("log", { name: "Output" });
  await log.locator("[data-row]").first().waitFor();
  const state = page.getByRole("toolbar", { name: "Log" }).locator(".log-state");
  return { page, jobId, log, state, faults };
}

/** What log-probe.js offers inside the page. */
export interface LogProbe {
  readonly readRows: (box: unknown) => Promise<readonly string[]>;
  readonly selectAllOf: (box: unknown) => void;
  readonly hasFocus: (box: unknown) => boolean;
  readonly keepOnline: () => void;
  readonly readClipboard: () => Promise<string>;
  readonly clearClipboard: () => Promise<void>;
}

declare global {
  var logProbe: LogProbe;
}

/** Every row of the log from top to bottom: its item, and what is drawn of it. */
export async function readRows({ page, log }: LogPage): Promise<readonly string[]> {
  await page.bringToFront();
  return log.evaluate((box) => logProbe.readRows(box));
}
