import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findOverweight, type PageFile, weighPage } from "./page-budget.ts";

const kib = 1024;

test("first scripts count together, later ones alone", () => {
  const files = [initial("a.js", 60), initial("b.js", 29), later("c.js", 39), later("d.js", 39), initial("e.css", 15)];
  expect(findOverweight(files)).toEqual([]);
});

test.each([
  ["first scripts", [initial("a.js", 60), initial("b.js", 31)], "the first scripts: 91.0 KiB"],
  ["styles, also those that come later", [initial("a.css", 10), later("b.css", 6)], "the styles: 16.0 KiB"],
  ["a later script", [later("diff.js", 41)], "diff.js: 41.0 KiB"],
])("%s that are too heavy are named", (_, files, complaint) => {
  expect(findOverweight(files)).toEqual([expect.stringContaining(complaint)]);
});

test("a page starts with what its HTML names", async () => {
  const dist = await mkdtemp(join(tmpdir(), "page-"));
  onTestFinished(() => rm(dist, { recursive: true }));
  await mkdir(join(dist, "assets"));
  await writeFile(join(dist, "index.html"), `<script type="module" src="/assets/index-1.js"></script>`);
  await writeFile(join(dist, "assets/index-1.js"), "x".repeat(10_000));
  await writeFile(join(dist, "assets/index-1.js.map"), "{}");
  await writeFile(join(dist, "assets/diff-2.js"), "y");
  const files = await weighPage(dist);
  expect(new Map(files.map(({ name, isInitial }) => [name, isInitial]))).toEqual(
    new Map([
      ["index-1.js", true],
      ["diff-2.js", false],
    ]),
  );
  expect(files.find(({ name }) => name === "index-1.js")?.brotliBytes).toBeLessThan(100);
});

function initial(name: string, kibibytes: number): PageFile {
  return { name, brotliBytes: kibibytes * kib, isInitial: true };
}

function later(name: string, kibibytes: number): PageFile {
  return { name, brotliBytes: kibibytes * kib, isInitial: false };
}
