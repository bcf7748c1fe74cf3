import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { AskRuleVerdict } from "#gen/job/v1/ask_pb.js";
import { PermissionMode } from "#gen/job/v1/job_pb.js";
import { type Model, startModel } from "../model/model.ts";
import { inOrder, type Script } from "../model/script.ts";
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
  const play = inOrder({
    main: [
      answer([bash("echo first > first.txt; cat first.txt")]),
      answer([bash(`touch second.txt\n${"# and nothing else\n".repeat(60)}`)]),
      answer([text("I leave the second file out.")]),
      answer([text("Noted.")]),
    ],
    subagent: [],
  });
  const question = {
    question: "Which color?",
    header: "Color",
    multiSelect: false,
    options: [choice("Red"), choice("Blue")],
  };
  const asking = inOrder({
    main: [answer([toolUse("AskUserQuestion", { questions: [question] })]), answer([text("So be it.")])],
    subagent: [],
  });
  const planning = inOrder({
    main: [answer([toolUse("ExitPlanMode", { plan: "# Plan\n\n1. Paint it." })]), answer([text("Painted.")])],
    subagent: [],
  });
  const sessions = new Map<string, Script>();
  const script: Script = (request) => {
    if (request.prompt.includes("Which one did you make?")) return answer([text("The first one.")]);
    if (request.prompt.includes("Choose a color")) sessions.set(request.session, asking);
    if (request.prompt.includes("Plan the paint")) sessions.set(request.session, planning);
    return (sessions.get(request.session) ?? play)(request);
  };
  model = await startModel({ script });
  const pages = join(import.meta.dirname, "../../web-client/dist");
  const runnerEnv = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "sk-test" };
  [system, browser] = await Promise.all([startSystem({ pages, runnerEnv }), openBrowser()]);
  page = await browser.context.newPage();
  await page.addInitScript({ path: join(import.meta.dirname, "time-inert-buttons.js") });
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
  // The focus stays near, on no button.
  await expect.poll(() => page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe("Waiting for you");
  expect(await page.evaluate("window.inertMs")).toBeGreaterThanOrEqual(490);
  await transcript().getByText("first", { exact: true }).waitFor({ state: "attached" });

  const second = askFor("touch second.txt");
  await second.waitFor();
  const message = page.getByRole("textbox", { name: "Message", exact: true });
  await message.fill("Leave it at one.");
  await message.press("Control+Enter");
  await page.getByText("sent after this step", { exact: true }).waitFor();
  // Neither key decides while anything inside the card has focus, and Escape never does.
  const deny = second.getByRole("button", { name: "Deny", exact: true });
  await expect.poll(() => deny.isEnabled()).toBe(true);
  await deny.focus();
  for (const key of ["y", "n", "Escape"]) await page.keyboard.press(key);
  // Nor does Y before the end of a long input was reached.
  await second.focus();
  await page.keyboard.press("y");
  const allow = second.getByRole("button", { name: "Allow once" });
  expect(await allow.isEnabled()).toBe(false);
  await second.getByRole("region", { name: "What it would do" }).press("End");
  await expect.poll(() => allow.isEnabled()).toBe(true);
  await second.focus();
  await page.keyboard.press("n");

  await transcript().getByText("Leave it at one.").waitFor();
  await page.locator(".job-head .state-word").getByText("succeeded").waitFor();
  const { job } = await system.jobs.getJob({ id: jobId() });
  expect(job?.usage?.costMicros).toBeGreaterThan(0n);
  const dollars = Number(job?.usage?.costMicros ?? 0n) / 1_000_000;
  const cost = dollars > 0 && dollars < 0.01 ? "< $0.01" : `$${dollars.toFixed(2)}`;
  await page.getByRole("region", { name: "Tokens and cost" }).getByText(`${cost} of $2.00 budget`).waitFor();
  expect(await transcript().getByText("waits for you").count()).toBe(0);
});

test("a finished job is continued", async () => {
  const before = jobId();
  const prompt = page.getByRole("textbox", { name: "Prompt to continue with" });
  await prompt.fill("Which one did you make?");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.waitForURL((url) => !url.pathname.includes(before));
  await transcript().getByText("The first one.").waitFor();
  expect((await system.jobs.getJob({ id: jobId() })).job?.continues).toBe(before);
});

test("what was spent and which rules hold are pages of their own", async () => {
  await page.goto(`${system.gatewayUrl}/usage`);
  await page.getByRole("tab", { name: "Job", exact: true }).click();
  await page.getByRole("link", { name: "Make two files." }).waitFor();
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "CSV" }).click();
  expect((await download).suggestedFilename()).toBe("usage-by-job.csv");

  await system.jobs.createAskRule({ rule: { rule: "Bash(make:*)", verdict: AskRuleVerdict.ALLOW } });
  await page.getByRole("link", { name: "Rules" }).click();
  await page.getByRole("button", { name: "Revoke Bash(make:*)" }).click();
  await page.getByText("No rule holds").waitFor();
  expect((await system.jobs.listAskRules({})).rules).toEqual([]);
});

test("an agent is given more leave only with a second press", async () => {
  await page.goto(`${system.gatewayUrl}/new?type=claude&repo_ref=test&prompt=Make+two+files+again.`);
  await page.getByRole("button", { name: "Run job" }).click();
  await askFor("echo first > first.txt; cat first.txt").waitFor();
  const modes = page.locator(".job-head").getByRole("combobox", { name: "Permissions" });
  await modes.selectOption("never ask");
  await page.getByRole("button", { name: "Keep “ask”" }).click();
  await modes.selectOption("accept edits");
  await page.getByRole("button", { name: "Loosen to “accept edits”" }).click();
  await transcript().getByText("Permissions: ask → accept edits, by local.").waitFor();
  expect((await system.jobs.getJob({ id: jobId() })).job?.permissionMode).toBe(PermissionMode.ACCEPT_EDITS);
});

test("whoever decides second is told who was first", async () => {
  const allow = askFor("echo first > first.txt; cat first.txt").getByRole("button", { name: "Allow once" });
  await expect.poll(() => allow.isEnabled()).toBe(true);
  const { asks } = await system.jobs.listAsks({ jobId: jobId() });
  const deny = { verdict: { case: "deny", value: { message: "Not now." } } } as const;
  await page.route(
    "**/DecideAsk",
    async (route) => {
      const named = asks.map((ask) => ({ jobId: ask.jobId, askId: ask.id }));
      await system.jobs.decideAsk({ asks: named, decision: deny });
      await route.continue();
    },
    { times: 1 },
  );
  await allow.click();
  await page
    .locator(".asks-closed")
    .getByText(/^Already denied by local, /)
    .waitFor();
});

test("a question is answered with a choice, and only by its button", async () => {
  await page.goto(`${system.gatewayUrl}/new?type=claude&repo_ref=test&prompt=Choose+a+color.`);
  await page.getByRole("button", { name: "Run job" }).click();
  const card = page.getByRole("article", { name: "Question" });
  const send = card.getByRole("button", { name: "Send the answer" });
  await card.getByRole("radio", { name: "Blue" }).check();
  await page.keyboard.press("Enter");
  await expect.poll(() => send.isEnabled()).toBe(true);
  await send.click();
  await page.locator(".job-head .state-word").getByText("succeeded").waitFor();
  expect(model.requests.at(-1)?.body).toContain("Blue");
});

test("a plan is approved", async () => {
  await page.goto(`${system.gatewayUrl}/new?type=claude&repo_ref=test&prompt=Plan+the+paint.`);
  await page.getByRole("combobox", { name: "Permissions" }).first().selectOption("plan only");
  await page.getByRole("button", { name: "Run job" }).click();
  const card = page.getByRole("article", { name: "Plan to approve" });
  await card.getByText("1. Paint it.").waitFor();
  await card.getByRole("button", { name: "Approve the plan" }).click();
  await page.locator(".job-head .state-word").getByText("succeeded").waitFor();
});

test("a spent budget is raised, and the job goes on", async () => {
  await page.goto(`${system.gatewayUrl}/new?type=claude&repo_ref=test&prompt=Choose+a+color+again.`);
  await page.getByRole("combobox", { name: "Permissions" }).first().selectOption("ask");
  await page.getByRole("textbox", { name: "Budget $" }).fill("0.000001");
  await page.getByRole("button", { name: "Run job" }).click();
  const question = page.getByRole("article", { name: "Question" });
  await question.getByRole("radio", { name: "Red" }).check();
  await question.getByRole("button", { name: "Send the answer" }).click();
  const budget = page.getByRole("article", { name: "Budget spent" });
  await budget.getByRole("textbox", { name: "New limit in $" }).fill("5");
  await budget.getByRole("button", { name: "Raise to $5.00" }).click();
  await page.locator(".job-head .state-word").getByText("succeeded").waitFor();
  expect((await system.jobs.getJob({ id: jobId() })).job?.budgetMicros).toBe(5_000_000n);
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

function choice(label: string): object {
  return { label, description: `${label}, of course` };
}

function transcript(): Locator {
  return page.getByRole("log", { name: "Transcript" });
}

function jobId(): string {
  return new URL(page.url()).pathname.replace("/jobs/", "");
}
