import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createTask, watchToEnd } from "../system/jobs.ts";
import { startSystem, type TestSystem } from "../system/start-system.ts";
import { cutStreams } from "./cut-streams.ts";
import { type LogPage, openLog, openLogOf, readRows } from "./log-page.ts";
import { openBrowser } from "./open-browser.ts";

let system: TestSystem;
let browser: Awaited<ReturnType<typeof openBrowser>>;

beforeAll(async () => {
  const pages = join(import.meta.dirname, "../../web-client/dist");
  [system, browser] = await Promise.all([startSystem({ pages }), openBrowser()]);
  await browser.context.grantPermissions(["clipboard-read", "clipboard-write"]);
});
afterEach(async () => {
  // A browser has six connections to a host, and each open page holds one.
  for (const page of browser.context.pages().slice(1)) await page.close();
});
afterAll(async () => {
  await browser.close();
  await system.stop();
});

test("of 1,200,000 lines every match is counted, and lines that the page let go of come back", async () => {
  const { page, log, state, faults } = await openLogOf(system, browser.context, "seq -f 'line %.0f' 1 1200000");
  await state.getByText(/^Lines .*–1,200,000 of 1,200,000 loaded$/).waitFor();
  await log.focus();
  await page.keyboard.press("/");
  await page.keyboard.type("99");
  const wanted = Array.from({ length: 1_200_000 }, (_, at) => String(at + 1)).filter((line) => line.includes("99"));
  await state.getByText(`${wanted.length.toLocaleString("en")} matches`).waitFor();
  await page.getByRole("button", { name: ".*" }).click();
  await page.getByRole("searchbox", { name: "Search the log" }).fill("line 1?9{5,}$");
  await state.getByText("3 matches", { exact: true }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press(":");
  await page.keyboard.type("7");
  await page.keyboard.press("Enter");
  await log.getByText("line 7", { exact: true }).waitFor();
  expect(await pageHeapBytes(page)).toBeLessThan(300 * 2 ** 20);
  expect(faults).toEqual([]);
});

test("a link to a line opens the group it is folded into", async () => {
  const command = `for g in 1 2 3; do echo "--- group $g"; seq -f "g$g line %.0f" 1 300; done`;
  const { jobId, page: first, log: whole } = await openLogOf(system, browser.context, command);
  await whole.getByText("g3 line 300", { exact: true }).waitFor();
  expect(await whole.getByText("g1 line 99", { exact: true }).count()).toBe(0);
  await first.close();
  const { page, log, faults } = await openLog(browser.context, { url: system.gatewayUrl, jobId, hash: "#L100-L102" });
  await log.getByText("g1 line 99", { exact: true }).waitFor();
  const chosen = log.locator(".is-chosen");
  expect(await chosen.locator(".log-text").allTextContents()).toEqual(["g1 line 99", "g1 line 100", "g1 line 101"]);
  await log.locator('[data-number="105"]').click({ modifiers: ["Shift"] });
  expect(new URL(page.url()).hash).toBe("#L100-L105");
  await log.locator('[data-number="104"]').click();
  expect(new URL(page.url()).hash).toBe("#L104");
  expect(faults).toEqual([]);
});

test("the end is followed until its reader scrolls up, and again when they ask for it", async () => {
  const { id } = await createTask(system, "seq 1 500; while [ ! -e go ]; do sleep 0.05; done; seq 501 900");
  const { page, log, faults } = await openLog(browser.context, { url: system.gatewayUrl, jobId: id });
  await log.getByText("500", { exact: true }).waitFor();
  await log.hover();
  await page.mouse.wheel(0, -1_000);
  const pill = page.getByRole("button", { name: /^Paused/ });
  await pill.waitFor();
  const seen = await log.locator("[data-row]").first().textContent();
  await system.jobs.cancelJob({ id });
  await watchToEnd(system, id);
  await page.getByRole("button", { name: /^Paused · \d+ new/ }).waitFor();
  expect(await log.locator("[data-row]").first().textContent()).toBe(seen);
  await log.focus();
  await page.keyboard.press("End");
  await log.getByText(/^ended by|^exited/).waitFor();
  expect(await pill.count()).toBe(0);
  expect(faults).toEqual([]);
});

test("hostile output stays text, and what is unseen is marked", async () => {
  const hostile = [
    `<script>document.title="owned"</script><img src=x onerror="document.title='owned'">`,
    "\\033]8;;javascript:document.title=1\\007a link\\033]8;;\\007",
    "\\033]8;;https://example.org/\\007another\\033]8;;\\007",
    "user\\342\\200\\256txt.exe \\000 end",
    "\\033]0;title\\007\\033[2J\\033[Hcleared",
  ];
  const { page, log, faults } = await openLogOf(
    system,
    browser.context,
    `printf '${hostile.join("\\n").replaceAll("'", "'\\''")}\\n'`,
  );
  await log.getByText(`<script>document.title="owned"</script>`).waitFor();
  await log.getByText("‹U+202E›").waitFor();
  await log.getByText("cleared").waitFor();
  expect(await log.locator("script, img").count()).toBe(0);
  expect(await log.getByRole("link", { name: "a link", includeHidden: true }).count()).toBe(0);
  const link = log.locator("a[target=_blank]");
  expect([await link.textContent(), await link.getAttribute("rel")]).toEqual(["another", "noopener noreferrer"]);
  expect(await page.title()).not.toBe("owned");
  expect(faults).toEqual([]);
});

test("what is copied are the lines, without numbers, times or marks of folds", async () => {
  const { page, log, faults } = await openLogOf(
    system,
    browser.context,
    "printf 'one\\n\\033[31mtwo\\033[0m\\nthree\\n' >&2",
  );
  await log.getByText("three", { exact: true }).waitFor();
  await log.focus();
  await page.keyboard.press("Shift+T");
  await log.locator(".log-time").first().waitFor();
  await log.evaluate((box) => logProbe.selectAllOf(box));
  await page.keyboard.press("Control+c");
  const copied = await readClipboard(page);
  expect(copied.split("\n").filter((line) => /one|two|three/.test(line))).toEqual(["one", "two", "three"]);
  expect(copied).not.toMatch(/\d\d:\d\d/);
  await log.locator('[data-number="2"]').click();
  await copyBy(page, "Copy lines L2 with colours");
  expect(await readClipboard(page)).toBe("\x1b[31mtwo\x1b[0m\n");
  await copyBy(page, "Copy lines L2 as Markdown");
  expect(await readClipboard(page)).toMatch(/^\[.*#L2\]\(http.*#L2\)\n```\ntwo\n```\n$/);
  expect(faults).toEqual([]);
});

test("the log is read by keyboard alone", async () => {
  const command = `echo "--- first"; seq -f 'a %.0f' 1 200; echo "ERROR: broken"; echo "--- second"; seq -f 'b %.0f' 1 200`;
  const { page, log, state, jobId, faults } = await openLogOf(system, browser.context, command);
  await log.getByText("b 200", { exact: true }).waitFor();
  await log.focus();
  await page.keyboard.press("e");
  await log.getByText("ERROR: broken", { exact: true }).waitFor();
  await page.keyboard.press("y");
  expect(new URL(page.url()).pathname + new URL(page.url()).hash).toBe(`/jobs/${jobId}/log#L202`);
  await page.keyboard.press("z");
  await log.getByText("a 1", { exact: true }).waitFor({ state: "detached" });
  await page.keyboard.press("Control+f");
  await page.keyboard.type("a 17");
  await state.getByText("11 matches").waitFor();
  await page.keyboard.press("Enter");
  await log.getByText("a 17", { exact: true }).waitFor();
  await page.keyboard.press("Escape");
  expect(await log.evaluate((box) => logProbe.hasFocus(box))).toBe(true);
  await page.keyboard.press("]");
  await log.locator(".is-current").getByText("second").waitFor();
  await page.keyboard.press("Home");
  await expect.poll(() => log.evaluate((box) => box.scrollTop)).toBe(0);
  await page.keyboard.press("w");
  await page.locator(".log-box.is-wrapped").waitFor();
  // Folds the one that the search opened, then unfolds all.
  await page.keyboard.press("z");
  await page.keyboard.press("z");
  await page.keyboard.press("f");
  await log.getByText("b 200", { exact: true }).waitFor();
  expect(faults).toEqual([]);
});

test("a stream that is cut twenty times while 5,000 lines arrive ends in the same view as one that was not", async () => {
  const lines = String.raw`for (i = from; i < from + 25; i++) {
    if (i % 500 == 1) print "--- part " i
    if (i % 7 == 0) print "\033[33mwarned " i > "/dev/stderr"
    if (i % 11 == 0) print "10%\r50%\r\033[32mdone " i "\033[0m"
    else print "line " i " ☃"
  }`;
  const random = seeded(20_260_102);
  const proxy = await cutStreams(
    system.gatewayUrl,
    Array.from({ length: 20 }, () => 1 + Math.floor(random() * 5_000)),
  );
  const command = `for from in $(seq 1 25 5000); do awk -v from=$from 'BEGIN { ${lines} }'; sleep 0.03; done`;
  const { id: jobId } = await createTask(system, command);
  const [whole, cut] = await Promise.all([
    openLog(browser.context, { url: system.gatewayUrl, jobId }),
    openLog(browser.context, { url: proxy.url, jobId }),
  ]);
  // A browser that keeps saying that it is online tries again at once: the pauses between tries have tests of their own.
  await cut.page.evaluate(() => logProbe.keepOnline());
  await watchToEnd(system, jobId);
  for (const { page, log } of [whole, cut]) {
    await page.locator(".job-head .state-word").getByText("succeeded").waitFor();
    await log.getByText("exited with 0").waitFor();
  }
  await expect.poll(async () => (await readRows(whole)).length).toBeGreaterThan(9 + 501);
  const rows = await readRows(whole);
  await expect.poll(() => readRows(cut)).toEqual(rows);
  // 9 folded groups, and the last one with its 500 lines and most of its warnings.
  expect([rows.length > 9 + 501, proxy.cuts()]).toEqual([true, 20]);
  const text = await copyAll(whole);
  expect(await copyAll(cut)).toBe(text);
  // 5,000 lines, 10 heads of groups, 714 warnings.
  expect(text.split("\n").length - 1).toBe(5_000 + 10 + 714);
  expect([...whole.faults, ...cut.faults]).toEqual([]);
  await proxy.close();
});

async function copyAll({ page }: LogPage): Promise<string> {
  await page.bringToFront();
  await copyBy(page, "Copy all lines with colours");
  return readClipboard(page);
}

async function copyBy(page: LogPage["page"], name: string): Promise<void> {
  await page.getByLabel("More for the log").click();
  await page.evaluate(() => logProbe.clearClipboard());
  await page.getByRole("button", { name, exact: true }).click();
  await expect.poll(() => readClipboard(page)).not.toBe("");
}

function readClipboard(page: LogPage["page"]): Promise<string> {
  return page.evaluate(() => logProbe.readClipboard());
}

/** What page and worker hold as JavaScript objects and buffers. */
async function pageHeapBytes(page: LogPage["page"]): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const { metrics } = await session.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? Number.POSITIVE_INFINITY;
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}
