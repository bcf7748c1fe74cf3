import { randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Where a running system keeps what must survive it. Readable by its owner alone. */
export interface StateFolder {
  readonly runnerData: string;
  readonly gatewayData: string;
  /** What wrangler would otherwise put into the home folder. Nothing in it outlives a run. */
  readonly wrangler: string;
  /** The gateway's variables, secret among them, for `wrangler dev --env-file`. */
  readonly gatewayVariables: string;
  readonly logs: string;
  /** Held while a system runs on this folder. */
  readonly lock: string;
  /** What runner and gateway sign with: made at the first start, kept since. */
  readonly secret: string;
}

/** Opens the folder, making what it lacks. */
export async function openStateFolder(path: string): Promise<StateFolder> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  await chmod(path, 0o700);
  const folders = {
    runnerData: join(path, "runner"),
    gatewayData: join(path, "gateway"),
    wrangler: join(path, "wrangler"),
    logs: join(path, "logs"),
  };
  await rm(folders.wrangler, { recursive: true, force: true });
  await Promise.all(Object.values(folders).map((folder) => mkdir(folder, { recursive: true, mode: 0o700 })));
  return {
    ...folders,
    gatewayVariables: join(path, "gateway.env"),
    lock: join(path, "lock"),
    secret: await readOrMakeSecret(join(path, "secret")),
  };
}

async function readOrMakeSecret(path: string): Promise<string> {
  try {
    await writeFile(path, `${randomBytes(32).toString("hex")}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return (await readFile(path, "utf8")).trim();
}
