import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress } from "node:zlib";

/** A file of the built page, and what it weighs as a browser gets it. */
export interface PageFile {
  readonly name: string;
  readonly brotliBytes: number;
  /** True when the page cannot start without it. */
  readonly isInitial: boolean;
}

const budgetBytes = { script: 90 * 1024, style: 15 * 1024, lazyScript: 40 * 1024 };

/** What is heavier than the page can bear, as lines to show: all first scripts and all styles together, each later script alone. */
export function findOverweight(files: readonly PageFile[]): readonly string[] {
  const scripts = files.filter(({ name }) => name.endsWith(".js"));
  return [
    ...overweight("the first scripts", sum(scripts.filter((file) => file.isInitial)), budgetBytes.script),
    ...overweight("the styles", sum(files.filter(({ name }) => name.endsWith(".css"))), budgetBytes.style),
    ...scripts
      .filter((file) => !file.isInitial)
      .flatMap(({ name, brotliBytes }) => overweight(name, brotliBytes, budgetBytes.lazyScript)),
  ];
}

/** Weighs every script and style of a built page. What its HTML names is what it starts with. */
export async function weighPage(dist: string): Promise<readonly PageFile[]> {
  const html = await readFile(join(dist, "index.html"), "utf8");
  const names = (await readdir(join(dist, "assets"))).filter((name) => /\.(js|css)$/.test(name));
  return Promise.all(
    names.map(async (name) => {
      const packed = await promisify(brotliCompress)(await readFile(join(dist, "assets", name)));
      return { name, brotliBytes: packed.length, isInitial: html.includes(`/assets/${name}"`) };
    }),
  );
}

function overweight(what: string, bytes: number, limit: number): readonly string[] {
  if (bytes <= limit) return [];
  return [`${what}: ${kibibytes(bytes)} with brotli, over the budget of ${kibibytes(limit)}`];
}

function sum(files: readonly PageFile[]): number {
  return files.reduce((total, { brotliBytes }) => total + brotliBytes, 0);
}

function kibibytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}
