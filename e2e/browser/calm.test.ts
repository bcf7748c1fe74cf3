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

const watchedMs = 8_000;

/** Counts what wakes the page, in the page itself. */
const countWakes = `
  window.wakes = { frames: 0, fast: [] };
  const { requestAnimationFrame: frame, setInterval: every, setTimeout: later } = window;
  window.requestAnimationFrame = (run) => frame((now) => { window.wakes.frames++; run(now); });
  window.setInterval = (run, ms, ...rest) => { if (ms < 1000) window.wakes.fast.push("interval " + ms); return every(run, ms, ...rest); };
  window.setTimeout = (run, ms, ...rest) => later(() => { window.wakes.timeouts = (window.wakes.timeouts ?? 0) + 1; run(); }, ms, ...rest);
`;

test.each([
  ["a calm fleet", "/?demo=finished"],
  ["a job that waits for an answer, its countdown on screen", "/?demo=permission"],
])("%s: no timer faster than once a second, no frame after frame, hardly any work", async (_, path) => {
  const page = await browser.context.newPage();
  await page.addInitScript(countWakes);
  await page.goto(pages.url + path);
  await page.getByRole("heading", { level: 1, name: "fix-auth" }).waitFor();
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  // What the start itself left to do is done by now.
  await expect.poll(() => page.evaluate("performance.now()"), { timeout: 20_000 }).toBeGreaterThan(5_000);
  await page.evaluate("Object.assign(window.wakes, { frames: 0, timeouts: 0 })");
  const busyS = async () =>
    (await session.send("Performance.getMetrics")).metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0;
  const before = await busyS();
  await new Promise((resolve) => setTimeout(resolve, watchedMs));
  const busy = (await busyS()) - before;
  const wakes = (await page.evaluate("window.wakes")) as { frames: number; fast: string[]; timeouts: number };
  expect(wakes.fast).toEqual([]);
  // Once a second a clock may tick, and each tick may draw once.
  expect(wakes.frames).toBeLessThanOrEqual((2 * watchedMs) / 1_000 + 2);
  expect(wakes.timeouts).toBeLessThanOrEqual((2 * watchedMs) / 1_000 + 2);
  expect(busy / (watchedMs / 1_000), "share of a core").toBeLessThan(0.08);
  await page.close();
});

test("the largest paint comes soon, also with a processor slowed four times", async () => {
  const page = await browser.context.newPage();
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  await page.goto(`${pages.url}/?demo=happy`);
  await page.getByRole("heading", { name: "Fleet" }).waitFor();
  const paintedMs = await page.evaluate(`new Promise((resolve) => {
    new PerformanceObserver((list) => resolve(list.getEntries().at(-1).startTime))
      .observe({ type: "largest-contentful-paint", buffered: true });
  })`);
  // The budget is 1.5 s on a machine that has nothing else to do; tests share theirs.
  expect(paintedMs).toBeLessThan(6_000);
  console.log(`largest contentful paint after ${Math.round(Number(paintedMs))} ms, 4 times slowed`);
  await page.close();
});
