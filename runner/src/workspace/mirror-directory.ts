/**
 * Mirrors of repositories on this runner's disk, shared by all jobs. A mirror is made anew beside a broken one, which stays
 * for as long as workspaces read from it: so each is a number of bare repositories, of which the newest counts.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

/** Where mirrors are, relative to the runner's data directory, which is the working directory. */
export const mirrorsDirectory = "mirrors";

/** How much of a repository's history a mirror holds. */
export interface HistoryKind {
  /** Commits from each that was asked for; 0 for all. */
  readonly depth: number;
  /** Only the contents that a checkout needed. */
  readonly withoutOldContents: boolean;
}

/** Absolute paths of a mirror. */
export interface MirrorPlace {
  readonly id: string;
  readonly root: string;
  /** Outlives the mirror. */
  readonly lock: string;
}

/** Where the mirror of a repository is, whether it exists or not. */
export function mirrorPlace(url: string, { depth, withoutOldContents }: HistoryKind): MirrorPlace {
  const identity = JSON.stringify([url, depth, withoutOldContents]);
  const digest = createHash("sha256").update(identity).digest("hex").slice(0, 20);
  // The name is for people.
  return mirrorPlaceAt(`${url.slice(url.lastIndexOf("/") + 1)}-${digest}`);
}

/** Where the mirror of this id is. */
export function mirrorPlaceAt(id: string): MirrorPlace {
  return { id, root: resolve(mirrorsDirectory, id), lock: resolve(mirrorsDirectory, `${id}.lock`) };
}

/** The ids of all mirrors. */
export function mirrorIds(): readonly string[] {
  if (!existsSync(mirrorsDirectory)) return [];
  return readdirSync(mirrorsDirectory, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? [entry.name] : [],
  );
}

/** Makes the directory of a mirror unless it is there. */
export function makePlace({ root }: MirrorPlace): void {
  // Jobs read in it as users of their own, through walls that show them only the repository.
  mkdirSync(`${root}/uses`, { recursive: true, mode: 0o755 });
}

/** Absolute paths of the bare repositories of a mirror, the newest first. */
export function generations({ root }: MirrorPlace): readonly string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .flatMap((name) => /^([0-9]{1,9})\.git$/.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => b - a)
    .map((number) => `${root}/${number}.git`);
}

/** Where the next of them is made. */
export function nextGeneration(place: MirrorPlace): { readonly draft: string; readonly path: string } {
  const newest = Number(/([0-9]+)\.git$/.exec(generations(place)[0] ?? "")?.[1] ?? 0);
  return { draft: `${place.root}/draft`, path: `${place.root}/${newest + 1}.git` };
}

/** Notes that a workspace reads from a repository of a mirror, for as long as there is what the key names. */
export function markUse({ root }: MirrorPlace, key: string, repository: string): void {
  writeFileSync(`${root}/uses/${key}`, repository.slice(root.length + 1), { mode: 0o600 });
  const now = new Date();
  utimesSync(root, now, now);
}

/** Forgets a use. */
export function removeUse({ root }: MirrorPlace, key: string): void {
  rmSync(`${root}/uses/${key}`, { force: true });
}

/** Who uses the repositories of a mirror: names of them by key. */
export function usesOf({ root }: MirrorPlace): ReadonlyMap<string, string> {
  const path = `${root}/uses`;
  const keys = existsSync(path) ? readdirSync(path) : [];
  return new Map(keys.map((key) => [key, readFileSync(`${path}/${key}`, "utf8")]));
}

/** Absolute paths of what the workspace of this key reads from: its processes need to see these. */
export function repositoriesUsedBy(key: string): readonly string[] {
  return mirrorIds().flatMap((id) => {
    const { root } = mirrorPlaceAt(id);
    const mark = `${root}/uses/${key}`;
    return existsSync(mark) ? [`${root}/${readFileSync(mark, "utf8")}`] : [];
  });
}

/** Notes when the fetch began by which a mirror is up to date. */
export function markSynced({ root }: MirrorPlace, began: bigint): void {
  writeFileSync(`${root}/synced`, `${bootId()} ${began}`, { mode: 0o600 });
}

/** Whether a fetch that began after this moment has brought a mirror up to date. */
export function isSyncedSince({ root }: MirrorPlace, moment: bigint): boolean {
  const path = `${root}/synced`;
  const [boot = "", began = "0"] = existsSync(path) ? readFileSync(path, "utf8").split(" ") : [];
  return boot === bootId() && BigInt(began) > moment;
}

/** When the fetch began by which a mirror is up to date, in milliseconds since the epoch. */
export function syncedMs({ root }: MirrorPlace): number {
  return statSync(`${root}/synced`).mtimeMs;
}

/** When a mirror was last used, in milliseconds since the epoch. */
export function lastUsedMs({ root }: MirrorPlace): number {
  return statSync(root).mtimeMs;
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
