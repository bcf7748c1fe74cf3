import { mkdirSync, renameSync, rmSync } from "node:fs";
import { give } from "../sandbox/give.ts";
import type { CredentialStore } from "./credentials.ts";
import type { GitContext } from "./git.ts";
import { lockFile } from "./lock-file.ts";
import {
  generations,
  type HistoryKind,
  isSyncedSince,
  type MirrorPlace,
  makePlace,
  markSynced,
  markUse,
  mirrorPlace,
  nextGeneration,
  syncedMs,
} from "./mirror-directory.ts";
import { type Found, type HostFailure, MirrorRepository } from "./mirror-repository.ts";
import { isWholeCommitId } from "./refs.ts";

/** A repository that a workspace is to be made of. */
export interface MirrorRequest {
  /** Canonical. */
  readonly url: string;
  /** Branch, tag, commit, or the whole name of a pull request's ref; empty for the default branch. */
  readonly ref: string;
  readonly history: HistoryKind;
  /** Whose use of the mirror it is: what lives for as long as the workspace. */
  readonly key: string;
  /** Git that may talk to the host; the directory is the mirror's. */
  readonly git: GitContext;
  readonly credentials: CredentialStore;
  /** Largest pack that may be fetched. */
  readonly maxBytes: number;
  /** True when a checkout failed for which the mirror may be to blame. */
  readonly isSuspect: boolean;
}

/** A mirror that has what was asked for. */
export interface OpenMirror extends Found {
  readonly kind: "open";
  readonly url: string;
  readonly place: MirrorPlace;
  /** Absolute path of the bare repository that the workspace reads from. */
  readonly repository: string;
  /** What a person should know, such as that it may be out of date. Empty for nothing. */
  readonly notice: string;
}

/**
 * Opens the mirror of a repository with what its host has now: fetches unless a fetch began since this was called, makes
 * it when there is none, and again when it is broken. It is kept for as long as it is used.
 */
export async function openMirror(request: MirrorRequest): Promise<OpenMirror | HostFailure> {
  const asked = process.hrtime.bigint();
  const place = mirrorPlace(request.url, request.history);
  makePlace(place);
  const lock = await lockFile(place.lock, request.git.signal);
  try {
    const opened = await bringUpToDate(request, place, asked);
    if (opened.kind === "open") markUse(place, request.key, opened.repository);
    return opened;
  } finally {
    await lock.close();
  }
}

async function bringUpToDate(
  request: MirrorRequest,
  place: MirrorPlace,
  asked: bigint,
): Promise<OpenMirror | HostFailure> {
  const [newest] = generations(place);
  if (newest === undefined) return makeMirror(request, place);
  const mirror = new MirrorRepository(request, newest);
  if (request.isSuspect && (await mirror.isBroken())) return makeMirror(request, place);
  const where = { url: request.url, place, repository: newest };
  const open = async (notice = "") => opened(await mirror.find(), { ...where, notice });
  if (isSyncedSince(place, asked)) {
    const found = await open();
    if (found.kind === "open" || found.why !== "no-ref") return found;
  }
  const began = process.hrtime.bigint();
  const fetched = await fetchWhole(mirror);
  if (fetched.kind === "broken") return makeMirror(request, place);
  if (fetched.kind === "failed") {
    const isHere = fetched.why === "unreachable" && isWholeCommitId(request.ref);
    return isHere ? open(`${fetched.reason}; going on with the commit as of ${since(place)}`) : fetched;
  }
  await mirror.tidy();
  // Of a history that is cut, somebody else asks for something else.
  if (request.history.depth === 0) markSynced(place, began);
  return open();
}

/** Fetches; a mirror in which something is wrong is put right or found to be broken. */
async function fetchWhole(mirror: MirrorRepository) {
  const fetched = await mirror.fetch();
  if (fetched.kind === "done" || fetched.why !== "other") return fetched;
  await mirror.clearLeftovers();
  return (await mirror.isBroken()) ? { kind: "broken" as const } : mirror.fetch();
}

async function makeMirror(request: MirrorRequest, place: MirrorPlace): Promise<OpenMirror | HostFailure> {
  const { draft, path } = nextGeneration(place);
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o755 });
  give(request.git.sandbox, draft);
  const began = process.hrtime.bigint();
  const cloned = await new MirrorRepository(request, draft).clone();
  if (cloned.kind === "failed") {
    rmSync(draft, { recursive: true, force: true });
    return cloned;
  }
  renameSync(draft, path);
  markSynced(place, began);
  const mirror = new MirrorRepository(request, path);
  const where = { url: request.url, place, repository: path, notice: "" };
  const found = await mirror.find();
  // What a clone does not bring: all that is asked for of a history that is cut, but the default branch; and pull requests.
  if ("target" in found || found.why !== "no-ref") return opened(found, where);
  const fetched = await mirror.fetch();
  if (fetched.kind === "failed") return fetched;
  return opened(await mirror.find(), where);
}

function opened(
  found: Found | HostFailure,
  where: Pick<OpenMirror, "url" | "place" | "repository" | "notice">,
): OpenMirror | HostFailure {
  return "target" in found ? { kind: "open", ...found, ...where } : found;
}

function since(place: MirrorPlace): string {
  return new Date(syncedMs(place)).toISOString();
}
