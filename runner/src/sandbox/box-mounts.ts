import { dirname } from "node:path";
import type { ConfinedCommand } from "./sandbox.ts";
import { systemFiles } from "./system-files.ts";

/** Sizes of what a box keeps in memory. */
const tmpBytes = 1 << 30;
const sharedBytes = 256 << 20;

/** What bubblewrap is told for a box to hold the system's programs and what its command may read and write, and nothing else. */
export function boxMounts({ readable, writable }: Pick<ConfinedCommand, "readable" | "writable">): readonly string[] {
  const binds = [
    ...readable.filter((path) => !writable.includes(path)).map((path) => ({ path, option: "--ro-bind-try" })),
    ...writable.map((path) => ({ path, option: "--bind" })),
  ];
  // What lies in another comes after it.
  const ordered = [...new Map(binds.map((bind) => [bind.path, bind])).values()].sort(byPath);
  return [
    ...systemFiles(),
    ...memoryDirectory("/tmp", tmpBytes),
    ...memoryDirectory("/dev/shm", sharedBytes),
    ...ordered.flatMap(({ path, option }, index) => [
      ...parentsOf(path, ordered.slice(0, index)).flatMap((parent) => ["--perms", "0755", "--dir", parent]),
      ...[option, path, path],
    ]),
    // Both are in memory, and nobody counts what is written there.
    ...["--remount-ro", "/dev", "--remount-ro", "/"],
  ];
}

function memoryDirectory(path: string, bytes: number): readonly string[] {
  return ["--perms", "1777", "--size", String(bytes), "--tmpfs", path];
}

interface Bind {
  readonly path: string;
}

/** The directories above a path that have to be made for it, the highest first: with other modes only root could pass them. */
function parentsOf(path: string, made: readonly Bind[]): readonly string[] {
  const parent = dirname(path);
  if (parent === "/" || made.some((bind) => isWithin(parent, bind.path)) || isWithin(parent, "/usr")) return [];
  return [...parentsOf(parent, made), parent];
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

function byPath(a: Bind, b: Bind): number {
  return a.path < b.path ? -1 : 1;
}
