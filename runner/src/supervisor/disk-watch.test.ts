import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { DiskWatch } from "./disk-watch.ts";

const root = mkdtempSync(join(tmpdir(), "blazecraft-disk-"));
const watches: DiskWatch[] = [];

afterEach(async () => {
  for (const watch of watches.splice(0)) await watch.close();
  rmSync(root, { recursive: true, force: true });
});

function watch(limitBytes: number) {
  for (const name of ["workspace", "home"]) mkdirSync(join(root, name), { recursive: true });
  const onFull = vi.fn();
  const directories = [join(root, "workspace"), join(root, "home")] as const;
  watches.push(new DiskWatch({ directories, limitBytes, onFull, intervalMs: 5 }));
  return onFull;
}

test("a job that fills its share is told of once, whichever of its directories it fills", async () => {
  const onFull = watch(16 << 20);
  writeFileSync(join(root, "workspace", "half"), Buffer.alloc(9 << 20, 1));
  writeFileSync(join(root, "home", "half"), Buffer.alloc(9 << 20, 1));
  await expect.poll(() => onFull).toHaveBeenCalledOnce();
});
