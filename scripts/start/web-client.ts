import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { glob, mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { StartFailure } from "./failure.ts";

/** Builds the web client into web-client/dist unless what is there was built from the same sources. */
export async function buildWebClient(root: string): Promise<"built" | "unchanged"> {
  const dist = join(root, "web-client/dist");
  const hash = await hashSources(root);
  if ((await readFile(join(dist, stampName), "utf8").catch(() => "")) === hash) return "unchanged";
  // Built aside, so that who serves dist now never sees half of it.
  const folder = await mkdtemp(join(root, "node_modules/.web-client-"));
  try {
    await build(root, join(folder, "new"));
    await writeFile(join(folder, "new/.assetsignore"), `${stampName}\n`);
    await writeFile(join(folder, "new", stampName), hash);
    if (existsSync(dist)) await rename(dist, join(folder, "old"));
    await rename(join(folder, "new"), dist);
  } finally {
    await rm(folder, { recursive: true });
  }
  return "built";
}

async function build(root: string, outDir: string): Promise<void> {
  const vite = join(root, "node_modules/vite/bin/vite.js");
  const result = await execa(process.execPath, [vite, "build", "web-client", "--outDir", outDir], {
    all: true,
    cwd: root,
    env: { NO_COLOR: "1" },
    reject: false,
    stdin: "ignore",
  });
  if (result.failed) throw new StartFailure(`the web client cannot be built:\n${result.all.trimEnd()}`);
}

/** Says what dist was built from. Not served. */
const stampName = ".built-from";

/** Everything the bundle can be made of. */
const sources = ["web-client/**", "protocol/**", "gen/**", "package-lock.json"];

async function hashSources(root: string): Promise<string> {
  const hash = createHash("sha256");
  const paths = await Array.fromAsync(glob(sources, { cwd: root, exclude: ["web-client/dist/**"] }));
  for (const path of paths.sort()) {
    const file = join(root, path);
    if ((await stat(file)).isFile()) hash.update(`${path}\0`).update(await readFile(file));
  }
  return hash.digest("hex");
}
