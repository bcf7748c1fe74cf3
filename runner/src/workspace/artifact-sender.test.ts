import { execFileSync, spawn } from "node:child_process";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readSent } from "./sent-files.ts";

const program = fileURLToPath(new URL("./artifact-sender.ts", import.meta.url));
const limits = { maxFiles: 1000, maxBytes: 1 << 30 };

let workspace: string;
beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), "blazecraft-sender-"));
});
afterEach(() => rmSync(workspace, { recursive: true }));

test("patterns choose files: within a name, over directories, and directories as a whole", async () => {
  write("report.xml", "1");
  write("dist/app.js", "2");
  write("dist/deep/.hidden", "3");
  write("a/b/c/report.xml", "4");
  write("other/[id].js", "5");
  write("otherwise.js", "6");
  expect(await send("*.xml")).toEqual({ "report.xml": "1" });
  expect(await send("**/report.xml")).toEqual({ "a/b/c/report.xml": "4", "report.xml": "1" });
  expect(await send("./dist/")).toEqual({ "dist/app.js": "2", "dist/deep/.hidden": "3" });
  expect(await send("dist/*")).toEqual({ "dist/app.js": "2", "dist/deep/.hidden": "3" });
  expect(await send("other/[id].js", "a/**/*.xml")).toEqual({ "a/b/c/report.xml": "4", "other/[id].js": "5" });
  expect(Object.keys(await send("**"))).toHaveLength(6);
  expect(Object.keys(await send("."))).toHaveLength(6);
});

test("a pattern that nothing matches is told", async () => {
  write("a", "1");
  expect(await send("a", "dist/**")).toEqual({ a: "1", "!dist/**": "No file matched." });
});

test("names are sent as they are, however they look", async () => {
  const names = ["-rf", "two\nlines", 'a "quoted" \\ name', "‮gpj.exe", "..secret", `${"é".repeat(120)}`, "{}"];
  for (const name of names) write(`out/${name}`, name);
  expect(await send("out")).toEqual(Object.fromEntries(names.map((name) => [`out/${name}`, name])));
});

test("links, devices, pipes, sockets and names that are not UTF-8 are left out, each with its reason", async () => {
  const outside = mkdtempSync(join(tmpdir(), "blazecraft-outside-"));
  writeFileSync(join(outside, "secret"), "a secret");
  mkdirSync(join(workspace, "out"));
  symlinkSync(join(outside, "secret"), join(workspace, "out/link"));
  symlinkSync(outside, join(workspace, "out/tree"));
  linkSync(join(outside, "secret"), join(workspace, "out/hard"));
  execFileSync("mkfifo", [join(workspace, "out/pipe")]);
  if (process.getuid?.() === 0) execFileSync("mknod", [join(workspace, "out/zero"), "c", "1", "5"]);
  writeFileSync(Buffer.concat([Buffer.from(`${workspace}/out/`), Buffer.from([0x66, 0xff])]), "latin");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(workspace, "out/socket"), resolve));
  const sent = await send("out", "out/tree/secret");
  server.close();
  rmSync(outside, { recursive: true });
  const noFile = "It is no file but a device, pipe or socket.";
  expect(sent).toEqual({
    "!out/link": "It is a symbolic link.",
    "!out/tree": "It is a symbolic link.",
    "!out/hard": "It has several names (hard links).",
    "!out/pipe": noFile,
    "!out/socket": noFile,
    ...(process.getuid?.() === 0 ? { "!out/zero": noFile } : {}),
    "!out/f�": "Its name is not UTF-8.",
    "!out/tree/secret": "No file matched.",
  });
});

test("nothing of .git is sent, at any depth", async () => {
  write(".git/config", "token");
  write("module/.git", "gitdir: elsewhere");
  write("module/file", "1");
  expect(await send("**", ".git/config")).toEqual({ "module/file": "1", "!.git/config": "No file matched." });
});

test("what is too many, too large or too deep is left out, and the rest is sent", async () => {
  for (const name of ["a", "b", "c", "d"]) write(name, name.repeat(10));
  expect(await send("*", { maxFiles: 2, maxBytes: 100 })).toEqual({
    a: "aaaaaaaaaa",
    b: "bbbbbbbbbb",
    "!c": "More than 2 files matched.",
    "!d": "More than 2 files matched.",
  });
  write("b", "b");
  expect(await send("*", { maxFiles: 9, maxBytes: 12 })).toEqual({
    a: "aaaaaaaaaa",
    b: "b",
    "!c": "It has 10 bytes, and 1 are left of MAX_ARTIFACT_BYTES.",
    "!d": "It has 10 bytes, and 1 are left of MAX_ARTIFACT_BYTES.",
  });
  const deep = Array.from({ length: 70 }, () => "d").join("/");
  write(`deep/${deep}/file`, "1");
  expect(await send("deep")).toEqual({
    [`!deep/${Array.from({ length: 64 }, () => "d").join("/")}`]: "It lies more than 64 directories deep.",
  });
});

test("of many files that are left out, 100 are told one by one", async () => {
  mkdirSync(join(workspace, "links"));
  for (let number = 0; number < 130; number += 1) symlinkSync("nowhere", join(workspace, "links", `${number}`));
  const sent = await send("links");
  expect(Object.keys(sent)).toHaveLength(101);
  expect(sent["!"]).toBe("30 more were left out.");
});

test("an empty file, and one of many parts, come as they are", async () => {
  write("empty", "");
  write("large", "0123456789".repeat(100_000));
  expect(await send("*")).toEqual({ empty: "", large: "0123456789".repeat(100_000) });
});

type Wishes = readonly (string | typeof limits)[];

/** What is sent: contents by path, and reasons by "!" and path. */
async function send(...wishes: Wishes): Promise<Record<string, string>> {
  const patterns = wishes.filter((wish) => typeof wish === "string");
  const limit = wishes.find((wish) => typeof wish === "object") ?? limits;
  const child = spawn(process.execPath, ["--no-warnings", program, JSON.stringify({ patterns, ...limit })], {
    cwd: workspace,
    env: {},
    stdio: ["ignore", "ignore", "inherit", ...Array.from({ length: 6 }, () => "ignore" as const), "pipe"],
  });
  const output = child.stdio.at(9);
  if (!(output instanceof Duplex)) throw new Error("there is no pipe");
  const found: Record<string, string> = {};
  for await (const sent of readSent(output, limit)) {
    if (sent.kind === "skipped") found[`!${sent.path}`] = sent.reason;
    else found[sent.path] = Buffer.concat(await Array.fromAsync(sent.content)).toString();
  }
  return found;
}

function write(path: string, content: string): void {
  mkdirSync(join(workspace, dirname(path)), { recursive: true });
  writeFileSync(join(workspace, path), content);
}
