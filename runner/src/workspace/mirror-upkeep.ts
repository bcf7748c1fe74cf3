import { existsSync, readdirSync, statSync } from "node:fs";
import { discard } from "./discard.ts";
import { tryLockFile } from "./lock-file.ts";
import {
  generations,
  lastUsedMs,
  type MirrorPlace,
  mirrorIds,
  mirrorPlaceAt,
  removeUse,
  usesOf,
} from "./mirror-directory.ts";
import type { MirrorLimits } from "./workspace.ts";

/** What is cleared away by, and where to. */
export interface Upkeep {
  readonly mirrors: MirrorLimits;
  /** Whether what a use of a mirror lives as long as is still there. */
  readonly isLive: (key: string) => boolean;
  readonly nowMs: number;
  /** Directory for what is being deleted. */
  readonly trash: string;
}

/** Deletes mirrors that are too old or too much, but none that is used. */
export async function sweepMirrors(upkeep: Upkeep): Promise<void> {
  const places = mirrorIds().map(mirrorPlaceAt);
  for (const place of places) forgetUses(place, upkeep);
  for (const place of places) await clearMirror(place, upkeep, { isWhole: false });
  let bytes = places.reduce((sum, place) => sum + sizeOf(place), 0);
  for (const place of places.toSorted((a, b) => lastUsedMs(a) - lastUsedMs(b))) {
    const isOld = upkeep.nowMs - lastUsedMs(place) >= upkeep.mirrors.keepMs;
    if (!isOld && bytes <= upkeep.mirrors.maxBytes) continue;
    const size = sizeOf(place);
    if (await clearMirror(place, upkeep, { isWhole: true })) bytes -= size;
  }
}

function forgetUses(place: MirrorPlace, { isLive }: Upkeep): void {
  for (const key of usesOf(place).keys()) if (!isLive(key)) removeUse(place, key);
}

/** Deletes what nobody uses of a mirror: the whole of it, or all but the newest repository. False when it is used. */
async function clearMirror(
  place: MirrorPlace,
  { trash }: Upkeep,
  { isWhole }: { readonly isWhole: boolean },
): Promise<boolean> {
  // Somebody fetches: it is about to be used.
  const lock = await tryLockFile(place.lock);
  if (lock === undefined) return false;
  try {
    const used = new Set(usesOf(place).values());
    if (isWhole && used.size > 0) return false;
    if (isWhole) discard(place.root, `${trash}/${place.id}`);
    else
      for (const old of generations(place).slice(1))
        if (!used.has(old.slice(place.root.length + 1))) discard(old, `${trash}/${place.id}`);
    return true;
  } finally {
    await lock.close();
  }
}

function sizeOf(place: MirrorPlace): number {
  return generations(place)
    .map((repository) => `${repository}/objects/pack`)
    .filter((packs) => existsSync(packs))
    .flatMap((packs) => readdirSync(packs).map((name) => `${packs}/${name}`))
    .reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
}
