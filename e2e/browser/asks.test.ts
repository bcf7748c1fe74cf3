import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Model, startModel } from "../model/model.ts";
import { inOrder } from "../model/script.ts";
import { answer, text, toolUse } from "../model/turn.ts";
import { startSystem, type TestSystem } from "../system/start-system.ts";
import { openBrowser } from "./open-browser.ts";

let model: Model;
let system: TestSystem;
let browser: Awaited<ReturnType<typeof openBrowser>>;
let page: Page;
const faults: string[] = [];

beforeAll(async () => {
  const bash = (command: string) => toolUse("Bash", { command, description: "Run a command" });
  model = await startModel({
    script: inOrder({
      main: [
        answer([bash("echo first > first.txt; cat first.txt")]),
        answer([bash("touch second.txt")]),
        answer([text("I leave the second file out.")]),
        answer([text("Noted.")]),
      ],
      subagent: [],
    }),
  });
  const pages = join(import.meta.dirname, "../../web-client/dist");
  const runnerEnv = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "sk-test" };
  [system, browser] = await Promise.all([startSystem({ pages, runnerEnv }), openBrowser()]);
  page = await browser.context.newPage();
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    // The browser itself logs the answer to a decision that came second.
    if (message.type() === "error" && !message.text().includes("status of 409")) faults.push(message.text());
  });
});
afterEach(() => {
  expect(faults.splice(0)).toEqual([]);
});
afterAll(async () => {
  await browser.close();
  await system.stop();
  await model.close();
});

test("an agent asks, is allowed and denied by keyboard, told something, and its cost is shown", async () => {
  await page.goto(`${system.gatewayUrl}/new?type=claude&repo_ref=test&prompt=Make+two+files.`);
  await page.getByRole("textbox", { name: "Budget $" }).fill("2");
  await page.getByRole("button", { name: "Run job" }).click();

  const first = askFor("echo first > first.txt; cat first.txt");
  await first.waitFor();
  await page.locator(".job-head .state-word").getByText("waiting for you").waitFor();
  await page
    .getByRole("region", { name: "Attention" })
    .getByRole("button", { name: /^Review/ })
    .waitFor();
  expect(await page.title()).toMatch(/^\(1\) ⚑/);
  await decide(first, "y");
  await transcript().getByText("first", { exact: true }).waitFor({ state: "attached" });

  const second = askFor("touch second.txt");
  await second.waitFor();
  const message = page.getByRole("textbox", { name: "Message", exact: true });
  await message.fill("Leave it at one.");
  await message.press("Control+Enter");
  await page.getByText("sent after this step", { exact: true }).waitFor();
  // Neither key decides while anything inside the card has focus, and Escape never does.
  await second.getByRole("button", { name: "Deny", exact: true }).focus();
  for (const key of ["y", "n", "Escape"]) await page.keyboard.press(key);
  expect(await second.count()).toBe(1);
  await decide(second, "n");

  await transcript().getByText("Leave it at one.").waitFor();
  await page.locator(".job-head .state-word").getByText("succeeded").waitFor();
  const { job } = await system.jobs.getJob({ id: jobId() });
  const dollars = Number(job?.usage?.costMicros ?? 0n) / 1_000_000;
  const cost = dollars > 0 && dollars < 0.01 ? "< $0.01" : `$${dollars.toFixed(2)}`;
  await page.getByRole("region", { name: "Tokens and cost" }).getByText(`${cost} of $2.00 budget`).waitFor();
  expect(await transcript().getByText("waits for you").count()).toBe(0);
});

test("whoever decides second is told who was first", async () => {
  await page.goto(`${system.gatewayUrl}/new?type=claude&repo_ref=test&prompt=Make+two+files+again.`);
  await page.getByRole("button", { name: "Run job" }).click();
  const card = askFor("echo first > first.txt; cat first.txt");
  await card.waitFor();
  const allow = card.getByRole("button", { name: "Allow once" });
  await expect.poll(() => allow.isEnabled()).toBe(true);
  const { asks } = await system.jobs.listAsks({ jobId: jobId() });
  const deny = { verdict: { case: "deny", value: { message: "Not now." } } } as const;
  await page.route("**/DecideAsk", async (route) => {
    const named = asks.map((ask) => ({ jobId: ask.jobId, askId: ask.id }));
    await system.jobs.decideAsk({ asks: named, decision: deny });
    await route.continue();
  });
  await allow.click();
  await page
    .locator(".asks-closed")
    .getByText(/^Already denied by local, /)
    .waitFor();
});

/** The card that asks for a command. */
function askFor(command: string): Locator {
  return page.getByRole("article", { name: "Permission: Bash" }).filter({ hasText: command });
}

/** Focuses a card and presses a key, as soon as the card takes decisions. */
async function decide(card: Locator, key: "y" | "n"): Promise<void> {
  await expect.poll(() => card.getByRole("button", { name: "Allow once" }).isEnabled()).toBe(true);
  await card.focus();
  await page.keyboard.press(key);
}

function transcript(): Locator {
  return page.getByRole("log", { name: "Transcript" });
}

function jobId(): string {
  return new URL(page.url()).pathname.replace("/jobs/", "");
}
