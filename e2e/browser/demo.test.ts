import type { Page, Request } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser } from "./open-browser.ts";
import { servePages } from "./serve-pages.ts";

let pages: Awaited<ReturnType<typeof servePages>>;
let browser: Awaited<ReturnType<typeof openBrowser>>;

beforeAll(async () => {
  [pages, browser] = await Promise.all([servePages(), openBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await pages.close();
});

test("a demo plays without a call to the gateway, and says all the time that it is one", async () => {
  const { page, calls } = await openPage("/?demo=permission&speed=20");
  await page.getByText("DEMO", { exact: true }).waitFor();
  await page.getByRole("article", { name: "Permission: Bash" }).waitFor();
  const panel = page.getByRole("region", { name: "Job panel" });
  await panel.getByRole("textbox", { name: "Command" }).fill("echo hello");
  await panel.getByRole("button", { name: "Run job" }).click();
  await page.getByRole("log", { name: "Output" }).getByText("hello", { exact: true }).waitFor();
  await page.getByText("DEMO", { exact: true }).waitFor();
  expect(calls.filter((path) => !/^\/(assets\/.*|config\.json|favicon\.svg)?$/.test(path))).toEqual([]);
});

test("what a demo keeps is never seen by the live page, nor the other way round", async () => {
  const { page } = await openPage("/?demo=0");
  const command = page.getByRole("textbox", { name: "Command" });
  await command.fill("for real");
  await page.goto(`${pages.url}/?demo=happy`);
  await page.getByText("DEMO", { exact: true }).waitFor();
  expect(await command.inputValue()).toBe("");
  await command.fill("only played");
  await page.goto(`${pages.url}/?demo=0`);
  expect(await command.inputValue()).toBe("for real");
});

test("a tab stays in its demo, and other tabs are live", async () => {
  const { page } = await openPage("/?demo=happy");
  await page.goto(`${pages.url}/usage`);
  await page.getByText("DEMO", { exact: true }).waitFor();
  await page.goto(`${pages.url}/?demo=0`);
  await page.getByRole("banner").waitFor();
  expect(await page.getByText("DEMO", { exact: true }).count()).toBe(0);
});

test("on localhost, a page that no gateway serves plays a demo", async () => {
  const { page } = await openPage("/");
  await page.getByText("DEMO", { exact: true }).waitFor();
});

async function openPage(path: string): Promise<{ readonly page: Page; readonly calls: string[] }> {
  const page = await browser.context.newPage();
  const calls: string[] = [];
  page.on("request", (request: Request) => calls.push(new URL(request.url()).pathname));
  await page.goto(`${pages.url}${path}`);
  return { page, calls };
}
