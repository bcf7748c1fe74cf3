import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTask } from "../system/jobs.ts";
import { startSystem, type TestSystem } from "../system/start-system.ts";
import { openBrowser } from "./open-browser.ts";

let system: TestSystem;
let browser: Awaited<ReturnType<typeof openBrowser>>;
let page: Page;
const faults: string[] = [];
const server = createServer((_, response) => response.end("hello from the host\n"));

beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const runnerEnv = { EGRESS_ALLOW: "none", EGRESS_ALLOW_ADDRESSES: "127.0.0.1" };
  const pages = join(import.meta.dirname, "../../web-client/dist");
  [system, browser] = await Promise.all([startSystem({ runnerEnv, pages }), openBrowser()]);
  page = await browser.context.newPage();
  page.on("pageerror", (error) => faults.push(error.message));
});
afterAll(async () => {
  await browser.close();
  await system.stop();
  server.close();
});

test("a host that a job could not reach is allowed at a press, and the job goes on", async () => {
  const { port } = server.address() as AddressInfo;
  const host = `host.localhost:${port}`;
  const env = { NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" };
  const { id } = await createTask(system, `until curl -sSf http://${host}/; do sleep 0.1; done`, { env });
  await page.goto(`${system.gatewayUrl}/jobs/${id}`);
  await page.getByText("Could not reach a host").waitFor();
  await page.getByRole("button", { name: `Allow ${host} for this job` }).click();
  await page.locator(".job-head .state-word").getByText("succeeded").waitFor();
  await page.getByText("Hosts allowed on the way").click();
  await page.getByText(/✓ allowed by \S+/).waitFor();
  expect(faults).toEqual([]);
});
