import { join } from "node:path";
import type { BrowserContext, CDPSession, Page } from "playwright-core";
import { openBrowser } from "../../e2e/browser/open-browser.ts";
import { createTask, watchToEnd } from "../../e2e/system/jobs.ts";
import { startSystem } from "../../e2e/system/start-system.ts";
import { atMost, type Figure, row } from "../figure.ts";
import { alternate, values } from "../measure.ts";

/** What a log of a million lines costs the browser that shows it. */
export const browserLog: Figure = {
  id: "W1",
  title: "A log of 1,000,000 lines in Chromium: until it is there, scrolled through, and what it holds",
  async measure({ rounds, scale }) {
    const pages = join(import.meta.dirname, "../../web-client/dist");
    const [system, browser] = await Promise.all([startSystem({ pages }), openBrowser()]);
    try {
      const lines = 1_000_000 * scale;
      const { id } = await createTask(system, `seq -f 'line %.0f of a log that is long enough to be read' 1 ${lines}`);
      await watchToEnd(system, id);
      const runs = await alternate(rounds, {
        log: () => measureLog(browser.context, `${system.gatewayUrl}/jobs/${id}/log`, lines),
      });
      const all = (of: (sample: Sample) => number) => values(runs, "log", of);
      return [
        {
          ...atMost(
            300,
            "first rows after the first bytes of the log",
            all(({ firstRowsMs }) => firstRowsMs),
          ),
          unit: "ms",
        },
        row(
          "all lines after the first bytes",
          "ms",
          all(({ allLinesMs }) => allLinesMs),
        ),
        {
          ...atMost(
            50,
            "longest task while scrolling through it",
            all(({ longestTaskMs }) => longestTaskMs),
          ),
          unit: "ms",
        },
        {
          ...atMost(
            300,
            "JavaScript heap and buffers of page and worker",
            all(({ mebibytes }) => mebibytes),
          ),
          unit: "MiB",
        },
      ];
    } finally {
      await browser.close();
      await system.stop();
    }
  },
};

interface Sample {
  readonly firstRowsMs: number;
  readonly allLinesMs: number;
  readonly longestTaskMs: number;
  readonly mebibytes: number;
}

async function measureLog(context: BrowserContext, url: string, lines: number): Promise<Sample> {
  const page = await context.newPage();
  await page.addInitScript({ path: join(import.meta.dirname, "../programs/time-log.js") });
  const session = await context.newCDPSession(page);
  await page.goto(url);
  await page
    .locator(".log-state")
    .getByText(`${lines.toLocaleString("en")} lines`, { exact: true })
    .waitFor();
  const times = await page.evaluate(() => logTimes.untilLoaded());
  const longestTaskMs = await page.evaluate(() => logTimes.scrollThrough());
  const mebibytes = (await heapOfPage(session, page)) / 2 ** 20;
  await page.close();
  return { ...times, longestTaskMs, mebibytes };
}

/** What programs/time-log.js offers inside the page. */
declare global {
  var logTimes: {
    readonly untilLoaded: () => { readonly firstRowsMs: number; readonly allLinesMs: number };
    readonly scrollThrough: () => Promise<number>;
  };
}

interface HeapUsage {
  readonly usedSize: number;
  readonly backingStorageSize: number;
}

/** Bytes that the page and its workers hold, after what nobody needs was collected. */
async function heapOfPage(session: CDPSession, page: Page): Promise<number> {
  await session.send("HeapProfiler.collectGarbage");
  const own = (await session.send("Runtime.getHeapUsage")) as HeapUsage;
  const workers = await heapOfWorkers(session, page.workers().length);
  return [own, ...workers].reduce((sum, { usedSize, backingStorageSize }) => sum + usedSize + backingStorageSize, 0);
}

/** A worker is asked through the session of its page. */
function heapOfWorkers(session: CDPSession, count: number): Promise<readonly HeapUsage[]> {
  const answers: HeapUsage[] = [];
  return new Promise((resolve, reject) => {
    session.on("Target.attachedToTarget", ({ sessionId }) => {
      const ask = (id: number, method: string) =>
        session.send("Target.sendMessageToTarget", { sessionId, message: JSON.stringify({ id, method }) });
      ask(1, "HeapProfiler.collectGarbage").then(() => ask(2, "Runtime.getHeapUsage"), reject);
    });
    session.on("Target.receivedMessageFromTarget", ({ message }) => {
      const { id, result } = JSON.parse(message) as { readonly id?: number; readonly result?: HeapUsage };
      if (id === 2 && result) answers.push(result);
      if (answers.length === count) resolve(answers);
    });
    session
      .send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: false })
      .catch(reject);
  });
}
