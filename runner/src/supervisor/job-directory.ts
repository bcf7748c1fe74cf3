import {
  closeSync,
  existsSync,
  fsync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { type StartJobRequest, StartJobRequestSchema } from "#gen/runner/v1/runner_service_pb.js";
import type { ProcessIdentity } from "../process/process-table.ts";
import type { SpoolEnd } from "../spool/segments.ts";
import { withSession } from "./session-directory.ts";

/** Where the directories of jobs are, relative to the runner's data directory, which is the working directory. */
export const jobsDirectory = "jobs";

/** Paths of what a job consists of. */
export interface JobDirectory {
  readonly root: string;
  readonly spool: string;
  /** Output that waits for the end of the job. */
  readonly held: string;
  /** Absolute, as are `home` and `tmp`: the job's processes see them. Those of an agent lie in its session. */
  readonly workspace: string;
  readonly home: string;
  readonly tmp: string;
  /** Absolute. Where the job's agent finds its model, while it runs. */
  readonly modelSocket: string;
  /** Absolute. Made only for a job that has some. */
  readonly attachments: string;
}

/** Who owns a job, and in which slot. */
export interface JobOwner {
  readonly supervisor: ProcessIdentity;
  readonly slot: number;
}

/** Where directories go that are being deleted, and others that nobody will miss. */
export const trashDirectory = "trash";

/** Where directories of jobs go that cannot be read, for a person to look at. */
export const brokenDirectory = "broken";

/** The directory of a job; it need not exist. */
export function jobDirectory(jobId: string): JobDirectory {
  return jobDirectoryAt(`${jobsDirectory}/${jobId}`);
}

/** The paths of a job in this directory. */
export function jobDirectoryAt(root: string): JobDirectory {
  const absolute = (name: string) => resolve(root, name);
  return {
    root,
    spool: `${root}/spool`,
    held: `${root}/held`,
    workspace: absolute("workspace"),
    home: absolute("home"),
    tmp: absolute("tmp"),
    modelSocket: absolute("model.sock"),
    attachments: absolute("attachments"),
  };
}

/**
 * Makes a job's directory with the request that starts it and its owner, durably: from now on the job survives every crash.
 * Only what waits for the disk is done aside; the rest is faster done than handed over.
 */
export async function createJobDirectory(request: StartJobRequest, owner: JobOwner): Promise<void> {
  const directory = jobDirectory(request.jobId);
  const { root } = directory;
  mkdirSync(root, { mode: 0o700 });
  const { workspace, home, tmp } = withSession(directory, request);
  for (const path of [home, tmp]) mkdirSync(path, { recursive: true, mode: 0o700 });
  // For people who look for it here.
  if (workspace !== directory.workspace) symlinkSync(workspace, directory.workspace);
  const ownerPath = `${root}/supervisor.json`;
  const startPath = `${root}/start.json`;
  await Promise.all([
    writeDraft(ownerPath, JSON.stringify(owner)),
    writeDraft(startPath, toJsonString(StartJobRequestSchema, request)),
  ]);
  publishDraft(ownerPath);
  publishDraft(startPath);
  await Promise.all([sync(root), sync(jobsDirectory)]);
}

/** The request that started a job, or undefined when its directory was never finished. */
export function readStart({ root }: JobDirectory): StartJobRequest | undefined {
  const text = readIfThere(`${root}/start.json`);
  return text === undefined ? undefined : fromJsonString(StartJobRequestSchema, text);
}

/** Records the next owner of a job; written before that one hears of the job. */
export async function writeOwner({ root }: JobDirectory, owner: JobOwner): Promise<void> {
  await writeWhole(`${root}/supervisor.json`, JSON.stringify(owner));
}

/** Who owns a job, or undefined when its directory was never finished. */
export function readOwner({ root }: JobDirectory): JobOwner | undefined {
  return readJson<JobOwner>(`${root}/supervisor.json`);
}

/** Records the leader of the job's process group. */
export function writeLeader({ root }: JobDirectory, leader: ProcessIdentity): void {
  // Not waited for: when the machine crashes, there is nobody left to kill.
  writeFileSync(`${root}/process.json.draft`, JSON.stringify(leader), { mode: 0o600 });
  publishDraft(`${root}/process.json`);
}

/** The leader of the job's process group, or undefined when none was started, or the machine crashed since. */
export function readLeader({ root }: JobDirectory): ProcessIdentity | undefined {
  try {
    return readJson<ProcessIdentity>(`${root}/process.json`);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Records that the job's last event is spooled. */
export async function writeEnded({ root }: JobDirectory, end: SpoolEnd): Promise<void> {
  await writeWhole(`${root}/ended.json`, JSON.stringify(end));
}

/** Where the spool of an ended job ends, or undefined when it has not ended. */
export function readEnded({ root }: JobDirectory): SpoolEnd | undefined {
  return readJson<SpoolEnd>(`${root}/ended.json`);
}

/** Sets some disk aside for the end of a job that fills it. */
export function reserveDisk({ root }: JobDirectory): void {
  writeFileSync(`${root}/reserve`, Buffer.alloc(reservedBytes, 1), { mode: 0o600 });
}

/** Records that the disk is full, and gives back what was set aside. Takes no new disk itself. */
export function markDiskFull({ root }: JobDirectory): void {
  renameSync(`${root}/reserve`, `${root}/disk-full`);
  truncateSync(`${root}/disk-full`);
}

/** Whether the job ended because the disk was full. */
export function wasDiskFull({ root }: JobDirectory): boolean {
  return existsSync(`${root}/disk-full`);
}

const reservedBytes = 64 * 1024;

/** Writes a file that is there either whole or not at all, also after a crash of the machine. */
async function writeWhole(path: string, text: string): Promise<void> {
  await writeDraft(path, text);
  publishDraft(path);
}

/** Writes what a file is to hold to the disk itself: renamed before that, it could be found empty after a crash. */
async function writeDraft(path: string, text: string): Promise<void> {
  writeFileSync(`${path}.draft`, text, { mode: 0o600 });
  await sync(`${path}.draft`);
}

function publishDraft(path: string): void {
  renameSync(`${path}.draft`, path);
}

/** Reads what this program wrote whole: it has the shape that it was written with. */
function readJson<Value>(path: string): Value | undefined {
  const text = readIfThere(path);
  return text === undefined ? undefined : (JSON.parse(text) as Value);
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

/** Waits until a file, or the names in a directory, are on the disk itself. */
async function sync(path: string): Promise<void> {
  const fd = openSync(path, "r");
  try {
    await promisify(fsync)(fd);
  } finally {
    closeSync(fd);
  }
}
