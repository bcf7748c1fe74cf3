import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openLogFile } from "./log-file.ts";
import { Part } from "./part.ts";
import { findPort } from "./ports.ts";

const guard = { watch() {}, forget() {}, async close() {} };
let folder: string;
let port: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "part-"));
  port = await findPort(0);
});
afterEach(() => rm(folder, { recursive: true }));

/** A part that runs this program, which finds its port in PORT. */
function openPart(source: string, { startMs = 20_000 } = {}): Part {
  return new Part(
    {
      name: "server",
      command: { args: [process.execPath, "-e", source], cwd: folder, env: { PORT: String(port) } },
      healthUrl: `http://127.0.0.1:${port}`,
      startMs,
      stopSignal: "SIGTERM",
      log: openLogFile(join(folder, "server.log")),
      findFault: (line) => (line === "broken" ? "says it is broken" : undefined),
    },
    guard,
  );
}

/** Says its pid; a request to /crash ends it, one to /break makes it of no use. */
const server = `
  require("http").createServer((request, response) => {
    if (request.url === "/crash") process.exit(7);
    response.setHeader("connection", "close");
    // It is ended for that, so the answer goes first.
    response.end(String(process.pid), () => request.url === "/break" && console.log("broken"));
  }).listen(process.env.PORT, "127.0.0.1");`;

const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text();

test("a part that dies or breaks is another one a moment later, and is said so", { timeout: 30_000 }, async () => {
  const said: string[] = [];
  const part = openPart(server);
  await part.start();
  const keptUp = part.keepUp((line) => said.push(line));
  const first = await ask("/");
  await expect(ask("/crash")).rejects.toThrow();
  await expect.poll(() => said, { timeout: 10_000 }).toHaveLength(1);
  expect(said[0]).toMatch(/^The server ended with exit code 7; it is back after \d+\.\d s$/);
  const second = await ask("/break");
  await expect.poll(() => said, { timeout: 10_000 }).toHaveLength(2);
  expect(said[1]).toMatch(/^The server says it is broken; it is back after/);
  expect(new Set([first, second, await ask("/")]).size).toBe(3);
  await part.stop(5000);
  await keptUp;
  await expect(ask("/")).rejects.toThrow();
});

test("a part that ends at its start is shown with what it said", async () => {
  const part = openPart('console.error("no such thing"); process.exit(3)');
  await expect(part.start()).rejects.toThrow(
    /^the server did not come up: it ended with exit code 3. Its last lines, from .*server.log:\n {2}no such thing$/,
  );
  expect(await readFile(join(folder, "server.log"), "utf8")).toBe("no such thing\n");
});

test("a part that never answers is given up", async () => {
  const part = openPart("setInterval(() => {}, 1000)", { startMs: 200 });
  await expect(part.start()).rejects.toThrow(/^the server did not come up: it did not answer at http/);
  await part.stop(5000);
});

test("a part that ignores its signal is ended all the same", async () => {
  const part = openPart(`process.on("SIGTERM", () => {});${server}`);
  await part.start();
  await part.stop(100);
  await expect(ask("/")).rejects.toThrow();
});
