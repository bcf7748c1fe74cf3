import { createHash } from "node:crypto";
import { statfsSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Duplex } from "node:stream";
import { fileURLToPath } from "node:url";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ArtifactSchema, ArtifactSkippedSchema } from "#gen/job/v1/job_event_pb.js";
import { jobMarker } from "../process/process-table.ts";
import { type ConfinedResult, runConfined } from "../sandbox/run-confined.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { discardDraft, keepDraft, openDraft, syncArtifacts } from "./artifact-files.ts";
import type { ArtifactWish } from "./artifact-sender.ts";
import { readSent, type Sent } from "./sent-files.ts";

/** What an operator set about artifacts. */
export interface ArtifactSettings {
  /** Bytes that those of one job may have. */
  readonly maxBytes: number;
  /** Nothing is collected that would leave less than this of the disk. */
  readonly minFreeBytes: number;
}

/** What to collect, and how. */
export interface ArtifactCollection {
  readonly jobId: string;
  readonly sandbox: Sandbox;
  /** Absolute path. */
  readonly workspace: string;
  /** As in JobSpec.artifacts. */
  readonly patterns: readonly string[];
  readonly settings: ArtifactSettings;
  readonly signal: AbortSignal;
}

/** What was collected, and what was not. */
export interface CollectedArtifacts {
  readonly artifacts: readonly ArtifactInit[];
  readonly skipped: readonly SkippedInit[];
}

type ArtifactInit = Exclude<MessageInitShape<typeof ArtifactSchema>, { $typeName: string }>;
type SkippedInit = Exclude<MessageInitShape<typeof ArtifactSkippedSchema>, { $typeName: string }>;

/**
 * Brings files of a workspace out of the job's box into the data directory, durably. Whatever goes wrong is told among what
 * was left out; what came before that is kept.
 */
export async function collectArtifacts(collection: ArtifactCollection): Promise<CollectedArtifacts> {
  const { jobId, signal } = collection;
  const collected: Collected = { artifacts: [], skipped: [] };
  try {
    const result = await runSender(collection, (output) => takeAll(output, collection, collected));
    const why = result.kind === "unstartable" ? `it cannot be started (${result.code})` : whyEnded(result);
    if (why !== undefined) collected.skipped.push(brokenOff(why));
  } catch (error) {
    collected.skipped.push(brokenOff(signal.aborted ? "it took too long" : messageOf(error)));
  }
  discardDraft(jobId);
  if (collected.artifacts.length > 0) await syncArtifacts(jobId);
  return collected;
}

interface Collected {
  readonly artifacts: ArtifactInit[];
  readonly skipped: SkippedInit[];
}

/** Runs the sender to its end. When what it sends cannot be taken, it is killed, and that is thrown. */
async function runSender(collection: ArtifactCollection, take: (output: Duplex) => Promise<void>) {
  const refused = new AbortController();
  const signal = AbortSignal.any([collection.signal, refused.signal]);
  let taken: Promise<void> | undefined;
  const talk = (output: Duplex) => {
    // Whatever has left its group may hold the other end.
    signal.addEventListener("abort", () => output.destroy(), { once: true });
    taken = take(output);
    taken.catch((error: unknown) => refused.abort(error));
  };
  const command = senderCommand(collection);
  const result = await runConfined(collection.sandbox, { command, signal, maxOutputBytes: 0, talk });
  await taken;
  return result;
}

async function takeAll(output: Duplex, { jobId, settings }: ArtifactCollection, collected: Collected): Promise<void> {
  for await (const sent of readSent(output, { maxFiles, maxBytes: settings.maxBytes })) {
    if (sent.kind === "skipped") collected.skipped.push({ path: sent.path, reason: sent.reason });
    else if (await hasRoom(sent, settings)) collected.artifacts.push(await keep(jobId, sent));
    else collected.skipped.push({ path: sent.path, reason: "The runner's disk is nearly full." });
  }
}

/** Files that are collected of one job. */
const maxFiles = 1000;

const senderProgram = fileURLToPath(new URL("./artifact-sender.ts", import.meta.url));

function senderCommand({ jobId, workspace, patterns, settings }: ArtifactCollection) {
  const wish: ArtifactWish = { patterns, maxFiles, maxBytes: settings.maxBytes };
  const node = process.execPath;
  return {
    // A tree of millions of names shall end it, not the machine's memory.
    argv: [node, "--no-warnings", "--max-old-space-size=256", senderProgram, JSON.stringify(wish)],
    env: { [jobMarker]: jobId },
    directory: workspace,
    writable: [],
    readable: [workspace, node, senderProgram],
    network: "none",
  } as const;
}

type SentFile = Extract<Sent, { kind: "file" }>;

/** Whether the disk takes a file; one that it does not is read all the same, to get at the next. */
async function hasRoom({ size, content }: SentFile, { minFreeBytes }: ArtifactSettings): Promise<boolean> {
  const { bavail, bsize } = statfsSync(".");
  if (bavail * bsize - size >= minFreeBytes) return true;
  for await (const _ of content);
  return false;
}

/** Writes a file to the disk itself under its SHA-256. */
async function keep(jobId: string, { path, size, content }: SentFile): Promise<ArtifactInit> {
  const hash = createHash("sha256");
  const file = await open(openDraft(jobId), "w", 0o600);
  try {
    for await (const part of content) {
      hash.update(part);
      await writeAll(file, part);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  const sha256 = hash.digest();
  keepDraft(jobId, sha256.toString("hex"));
  return { path, size: BigInt(size), sha256: new Uint8Array(sha256) };
}

async function writeAll(file: FileHandle, data: Uint8Array): Promise<void> {
  for (let written = 0; written < data.length; ) written += (await file.write(data, written)).bytesWritten;
}

function whyEnded({ exit, stderr }: Extract<ConfinedResult, { kind: "ended" }>): string | undefined {
  if (exit.kind === "exited" && exit.exitCode === 0) return undefined;
  const [, reason] = /^\w*Error: (.*)$/m.exec(stderr) ?? [];
  return reason ?? (exit.kind === "exited" ? `it exited with ${exit.exitCode}` : `it was ended by ${exit.signal}`);
}

function brokenOff(why: string): SkippedInit {
  return { path: "", reason: `What sends the artifacts broke off: ${why}.` };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
