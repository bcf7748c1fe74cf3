import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser } from "./open-browser.ts";
import { servePages } from "./serve-pages.ts";

/** What shows that a story has come to its state. */
type Arrived = (page: Page) => Promise<unknown>;

const text =
  (words: string | RegExp): Arrived =>
  (page) =>
    page.getByText(words).first().waitFor();

const heading =
  (name: string): Arrived =>
  (page) =>
    page.getByRole("heading", { name, exact: true }).waitFor();

const dialog =
  (key: string, name: string): Arrived =>
  async (page) => {
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.keyboard.press(key);
    await page.getByRole("dialog", { name }).waitFor();
  };

/** Every state of the screen: the story that gets there, and what is seen then. */
const states: readonly (readonly [state: string, path: string, arrived: Arrived])[] = [
  ["the fleet", "/?demo=fleet", text("gpu-1")],
  ["first use", "/?demo=first-use", text("No runner is set up.")],
  ["no jobs", "/?demo=empty", text("No jobs yet. A job is")],
  ["a filter without a match", "/?demo=no-match", text("No job is like that.")],
  ["loading", "/?demo=loading", text("Loading jobs")],
  ["the runner is offline", "/?demo=offline", text("vm-1 is offline.")],
  ["signed out", "/?demo=signed-out", heading("Signed out")],
  ["a right is missing", "/?demo=forbidden", text(/lacks the scope viewer/)],
  ["reconnecting", "/?demo=reconnect&speed=9", text("reconnecting")],
  ["an older page than its gateway", "/?demo=skew", text("serves a newer page")],
  ["very many lines", "/?demo=flood", text(/request 2\d{5} answered/)],
  ["an agent asks", "/?demo=permission", heading("Permission: Bash")],
  ["an agent wants to know", "/?demo=question", heading("Question")],
  ["failed", "/?demo=failure", text("What went wrong")],
  ["finished", "/?demo=finished", text("What came of it")],
  ["a gap in the log", "/?demo=gap", text(/not kept by the runner/)],
  ["hostile text", "/?demo=hostile", text(/document.title=/)],
  ["a job's details", "/jobs/job_ouhr2eq7vs36p1sy/details?demo=finished", heading("Prompt")],
  ["a diff", "/jobs/job_ouhr2eq7vs36p1sy/diff?demo=finished", text("src/auth/session.ts")],
  ["the list of jobs", "/jobs?demo=happy", heading("Jobs")],
  ["usage", "/usage?demo=finished", heading("Usage of the last 30 days")],
  ["rules", "/rules?demo=happy", text("No rule holds")],
  ["runners", "/runners?demo=fleet", heading("Runners")],
  ["a runner", "/runners/vm-1?demo=fleet", heading("Walls around its jobs")],
  ["the palette", "/?demo=fleet", dialog("Control+k", "Command palette")],
  ["the keys", "/?demo=happy", dialog("?", "Keys")],
  ["settings", "/settings?demo=happy", heading("Settings")],
];

let pages: Awaited<ReturnType<typeof servePages>>;
let browser: Awaited<ReturnType<typeof openBrowser>>;
let axe: string;

beforeAll(async () => {
  axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  [pages, browser] = await Promise.all([servePages(), openBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await pages.close();
});

test.each(states)(
  "%s: accessible in both themes, at any width, within the content policy",
  async (_, path, arrived) => {
    const { page, faults } = await openPage();
    for (const colorScheme of ["dark", "light"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.goto(pages.url + path);
      await arrived(page);
      expect(await violations(page), colorScheme).toEqual([]);
    }
    for (const width of [1024, 390, 320]) {
      await page.setViewportSize({ width, height: 700 });
      expect(await page.evaluate("document.documentElement.scrollWidth"), `${width} px`).toBeLessThanOrEqual(width);
    }
    expect(await violations(page), "320 px").toEqual([]);
    expect(
      await page.evaluate("document.getAnimations().filter((a) => a.effect.getTiming().duration > 0).length"),
    ).toBe(0);
    expect(await page.title()).not.toBe("broken in");
    expect(faults).toEqual([]);
    await page.close();
  },
);

async function openPage(): Promise<{ readonly page: Page; readonly faults: string[] }> {
  const page = await browser.context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  // What the content policy or Trusted Types forbid, the browser writes here too.
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  return { page, faults };
}

/** What axe finds wrong, one line each. It runs beside the page's own scripts, where their policy does not hold. */
async function violations(page: Page): Promise<readonly string[]> {
  const session = await page.context().newCDPSession(page);
  const { frameTree } = await session.send("Page.getFrameTree");
  const world = { frameId: frameTree.frame.id, worldName: "axe" };
  const { executionContextId: contextId } = await session.send("Page.createIsolatedWorld", world);
  await session.send("Runtime.evaluate", { expression: axe, contextId });
  const expression = `axe.run({ resultTypes: ["violations"] }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + " " + target.join(" "))))`;
  const { result } = await session.send("Runtime.evaluate", {
    ...{ expression, contextId },
    awaitPromise: true,
    returnByValue: true,
  });
  await session.detach();
  return result.value as string[];
}
