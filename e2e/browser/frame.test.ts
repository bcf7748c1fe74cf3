import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openBrowser } from "./open-browser.ts";
import { servePages } from "./serve-pages.ts";

let pages: Awaited<ReturnType<typeof servePages>>;
let browser: Awaited<ReturnType<typeof openBrowser>>;
let page: Page;

beforeAll(async () => {
  [pages, browser] = await Promise.all([servePages(), openBrowser()]);
  await browser.context.grantPermissions(["clipboard-read", "clipboard-write"]);
});
beforeEach(async () => {
  page = await browser.context.newPage();
  return () => page.close();
});
afterAll(async () => {
  await browser.close();
  await pages.close();
});

test("a job is run by keyboard alone", async () => {
  await openStory("empty", "/");
  await page.keyboard.press("c");
  await focused("textbox", "Command");
  await page.keyboard.type("echo by hand");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("log", { name: "Output" }).getByText("by hand", { exact: true }).waitFor();
});

test("the palette finds jobs, runners and actions, and runs what is chosen", async () => {
  await openStory("fleet", "/");
  await page.getByRole("link", { name: "gpu-1" }).waitFor();
  await page.keyboard.press("Control+k");
  const palette = page.getByRole("dialog", { name: "Command palette" });
  await palette.getByRole("combobox").fill("gpu-1");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/runners/gpu-1");
  await page.keyboard.press("Control+k");
  await palette.getByRole("combobox").fill("train-b");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "train-b", level: 1 }).waitFor();
  await page.keyboard.press("Control+k");
  await palette.waitFor();
  await page.keyboard.press("Escape");
  await palette.waitFor({ state: "detached" });
});

test("? shows every key, and a key that was changed is shown and works", async () => {
  await openStory("happy", "/settings");
  await page.getByRole("button", { name: "Key for Height of the HUD: H" }).click();
  await page.keyboard.press("q");
  await page.getByRole("button", { name: "Key for Height of the HUD: Q" }).waitFor();
  await page.getByRole("heading", { name: "Settings" }).click();
  const hud = page.getByRole("complementary", { name: "HUD" });
  await page.keyboard.press("q");
  expect(await hud.getAttribute("data-height")).toBe("tall");
  await page.keyboard.press("?");
  const help = page.getByRole("dialog", { name: "Keys" });
  await help.getByText("Height of the HUD").waitFor();
  expect(await help.locator(".key-line", { hasText: "Height of the HUD" }).locator("kbd").textContent()).toBe("Q");
  await page.keyboard.press("Escape");
  await page.getByRole("checkbox", { name: "Single keys do something" }).uncheck();
  await page.getByRole("heading", { name: "Settings" }).click();
  await page.keyboard.press("q");
  expect(await hud.getAttribute("data-height")).toBe("tall");
});

test("the list's filter is in the address, and the way back leads through it", async () => {
  await openStory("happy", "/");
  await page.getByRole("navigation", { name: "Stage" }).getByRole("link", { name: "Jobs" }).click();
  const rows = page.getByRole("list", { name: "Jobs", exact: true }).getByRole("listitem");
  await expect.poll(() => rows.count()).toBeGreaterThanOrEqual(6);
  await page.getByRole("combobox", { name: "State" }).selectOption("failed");
  await page.waitForURL("**/jobs?status=failed");
  await expect.poll(() => rows.count()).toBe(1);
  await page.getByRole("searchbox", { name: "Search" }).fill("unicorn");
  await page.getByText("No job is like that.").waitFor();
  await page.waitForURL("**/jobs?status=failed&q=unicorn");
  await page.getByRole("link", { name: "Clear filters" }).first().click();
  await expect.poll(() => rows.count()).toBeGreaterThanOrEqual(6);
  await page.goBack();
  await page.getByText("No job is like that.").waitFor();
});

test("several jobs are picked by keyboard and stopped together", async () => {
  await openStory("fleet", "/jobs?status=running");
  const rows = page.getByRole("list", { name: "Jobs", exact: true }).getByRole("link");
  await rows.first().focus();
  await page.keyboard.press("Shift+ArrowDown");
  await page.keyboard.press("Shift+ArrowDown");
  const bulk = page.getByRole("region", { name: "Selected jobs" });
  await bulk.getByText("3 selected").waitFor();
  await bulk.getByRole("button", { name: "Stop 3" }).click();
  await bulk.getByRole("button", { name: "Confirm stop 3" }).click();
  await expect.poll(() => page.locator("main .state-word").getByText("canceled").count()).toBe(3);
});

test("a group of jobs is kept under a digit and recalled", async () => {
  await openStory("fleet", "/");
  await page.getByRole("link", { name: "bench" }).first().click();
  await page.getByRole("heading", { name: "bench", level: 1 }).waitFor();
  await page.keyboard.press("Shift+Digit4");
  await page.keyboard.press("j");
  await page.waitForURL((url) => !url.search.includes("demo"));
  await page.getByRole("heading", { name: "bench", level: 1 }).waitFor({ state: "detached" });
  await page.keyboard.press("4");
  await page.getByRole("heading", { name: "bench", level: 1 }).waitFor();
});

test("Space leads to what needs a person, and B tells how everything stands", async () => {
  await openStory("fleet", "/");
  await page.getByRole("region", { name: "Attention" }).getByRole("link", { name: "fix-auth" }).waitFor();
  await page.keyboard.press("Space");
  await page.getByRole("dialog").getByRole("heading", { name: "Permission: Bash" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("b");
  await page
    .getByRole("region", { name: "Notices" })
    .getByText(/5 of 6 runners online/)
    .waitFor();
});

test("views of a job have addresses, and what made it is copied as a command", async () => {
  await openStory("finished", "");
  await page.getByRole("tab", { name: "Details" }).click();
  await page.waitForURL(/\/jobs\/job_[0-9a-z]{16}\/details$/);
  await page.keyboard.press("Shift+Y");
  await page.getByRole("region", { name: "Notices" }).getByText("Command copied").waitFor();
  const copied = await page.evaluate("navigator.clipboard.readText()");
  expect(copied).toContain("npx blazecraft agent --repo acme/api@main --name fix-auth");
  await page.keyboard.press("t");
  await page.waitForURL(/\/transcript$/);
});

test("a runner is drained, and takes jobs again", async () => {
  await openStory("happy", "/runners/vm-1");
  await page.getByRole("button", { name: "Drain" }).click();
  await page.getByRole("heading", { name: /vm-1.*draining/ }).waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByRole("heading", { name: /vm-1.*online/ }).waitFor();
  await page.getByRole("button", { name: "Check the way to it" }).click();
  await page.getByText("It answers: tunnel 11 ms, runner 7 ms.").waitFor();
});

test("setup is checked live, up to a line of a test job's log", async () => {
  await openStory("empty", "/setup");
  await page.getByText(/“hello” came \d+ ms after it was written/).waitFor();
  await page.getByRole("link", { name: "Run your first job" }).click();
  await focused("textbox", "Command");
});

test("the theme, and nothing that moves, are as the settings say", async () => {
  await openStory("happy", "/settings");
  await page.getByRole("combobox", { name: "Theme" }).selectOption("light");
  expect(await page.evaluate("getComputedStyle(document.body).colorScheme")).toBe("light");
  await page.getByRole("checkbox", { name: "Plain: no frames and corners" }).check();
  await page.getByRole("checkbox", { name: "Nothing moves" }).check();
  expect(await page.evaluate("document.documentElement.matches('[data-plain][data-still]')")).toBe(true);
});

test("a failed job tells its last error lines, and its edited copy is run", async () => {
  await openStory("failure", "");
  await page.getByRole("region", { name: "Last lines of standard error" }).getByText("npm error code 1").waitFor();
  await page.getByRole("link", { name: "line 9" }).waitFor();
  await page.getByRole("button", { name: "Edit & retry" }).click();
  const command = page.getByRole("textbox", { name: "Command" });
  await expect.poll(() => command.inputValue()).toBe("npm ci && npm test");
});

test("the HUD has three heights, by key, by button and by hand", async () => {
  await openStory("happy", "/");
  const hud = page.getByRole("complementary", { name: "HUD" });
  await hud.waitFor();
  for (const height of ["tall", "rail", "standard"]) {
    await page.keyboard.press("h");
    expect(await hud.getAttribute("data-height")).toBe(height);
  }
  await page.getByRole("button", { name: "Fold the HUD" }).click();
  expect((await hud.boundingBox())?.height).toBe(40);
  const grip = await page.locator(".hud-grip").boundingBox();
  await page.mouse.move(700, (grip?.y ?? 0) + 4);
  await page.mouse.down();
  await page.mouse.move(700, 300, { steps: 4 });
  await page.mouse.up();
  expect(await hud.getAttribute("data-height")).toBe("tall");
});

test("what is sent without a connection waits in sight, and is sent once when it is back", async () => {
  await openStory("happy", "/jobs");
  await demoButton("Cut the connection");
  await page.getByRole("textbox", { name: "Command" }).fill("echo later");
  await page.getByRole("button", { name: "Run job" }).click();
  const outbox = page.getByRole("region", { name: "Outbox" });
  await outbox.getByText("New job: echo later").waitFor();
  await demoButton("Mend it");
  await page.getByRole("log", { name: "Output" }).getByText("later", { exact: true }).waitFor();
  await outbox.waitFor({ state: "detached" });
});

test("what waits to be sent can be withdrawn, and the text stays", async () => {
  await openStory("happy", "/jobs");
  await demoButton("Cut the connection");
  const command = page.getByRole("textbox", { name: "Command" });
  await command.fill("echo never");
  await page.getByRole("button", { name: "Run job" }).click();
  await page.getByRole("region", { name: "Outbox" }).getByRole("button", { name: "Withdraw" }).click();
  await page.getByText("it was withdrawn").waitFor();
  expect(await command.inputValue()).toBe("echo never");
});

test("a page that is older than its gateway says so", async () => {
  await openStory("skew", "/jobs");
  await page.getByText("serves a newer page than this one").waitFor();
});

test("on a wide screen the newest jobs stand beside the stage", async () => {
  await page.setViewportSize({ width: 1600, height: 900 });
  await openStory("happy", "/");
  const dock = page.getByRole("navigation", { name: "Newest jobs" });
  await dock.getByRole("link", { name: /uname -a/ }).click();
  await page.getByRole("heading", { name: "uname -a", level: 1 }).waitFor();
  await page.setViewportSize({ width: 1440, height: 900 });
  await expect.poll(() => dock.isVisible()).toBe(false);
});

/** Presses a button of what can go wrong in a demo. */
async function demoButton(name: string): Promise<void> {
  await page.getByText("DEMO", { exact: true }).click();
  await page.getByRole("button", { name }).click();
  await page.getByText("DEMO", { exact: true }).click();
}

/** Opens a story at a path; without one, where the story is to be seen. */
async function openStory(story: string, path: string): Promise<void> {
  const query = `${path.includes("?") ? "&" : "?"}demo=${story}&speed=4`;
  await page.goto(`${pages.url}${path || "/"}${query}`);
  await page.getByText("DEMO", { exact: true }).waitFor();
  // A story opened at the root leads to its own place.
  if (path === "/") await page.getByRole("navigation", { name: "Stage" }).getByRole("link", { name: "Fleet" }).click();
}

/** Waits until a field has the focus. */
async function focused(role: "textbox", name: string): Promise<void> {
  await page.getByRole(role, { name }).and(page.locator(":focus")).waitFor();
}
