import { createHash } from "node:crypto";
import { glob, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { StartFailure } from "./failure.ts";

/** Builds the web client into web-client/dist unless what is there was built from the same sources. */
export async function buildWebClient(root: string): Promise<"built" | "unchanged"> {
  const dist = join(root, "web-client/dist");
  const stamp = join(dist, stampName);
  const hash = await hashSources(root);
  if ((await readFile(stamp, "utf8").catch(() => "")) === hash) return "unchanged";
  const vite = join(root, "node_modules/vite/bin/vite.js");
  const build = await execa(process.execPath, [vite, "build", "web-client"], {
    all: true,
    cwd: root,
    env: { NO_COLOR: "1" },
    reject: false,
    stdin: "ignore",
  });
  if (build.failed) throw new StartFailure(`the web client cannot be built:\n${build.all.trimEnd()}`);
  await writeFile(join(dist, ".assetsignore"), `${stampName}\n`);
  await writeFile(stamp, hash);
  return "built";
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
