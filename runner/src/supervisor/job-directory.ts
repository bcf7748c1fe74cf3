import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { mkdir, open, rename, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fromJsonString, toJsonString } from "@bufbuild/protobuf";
import { type StartJobRequest, StartJobRequestSchema } from "#gen/runner/v1/runner_service_pb.js";
import type { ProcessIdentity } from "../process/process-table.ts";
import type { SpoolEnd } from "../spool/segments.ts";

/** Where the directories of jobs are, relative to the runner's data directory, which is the working directory. */
export const jobsDirectory = "jobs";

/** Paths of what a job consists of. */
export interface JobDirectory {
  readonly root: string;
  readonly spool: string;
  /** Output that waits for the end of the job. */
  readonly held: string;
  /** Absolute, as are `home` and `tmp`: the job's processes see them. */
  readonly workspace: string;
  readonly home: string;
  readonly tmp: string;
}

/** Who owns a job, and in which slot. */
export interface JobOwner {
  readonly supervisor: ProcessIdentity;
  readonly slot: number;
}

/** The directory of a job; it need not exist. */
export function jobDirectory(jobId: string): JobDirectory {
  const root = `${jobsDirectory}/${jobId}`;
  const absolute = (name: string) => resolve(root, name);
  return {
    root,
    spool: `${root}/spool`,
    held: `${root}/held`,
    workspace: absolute("workspace"),
    home: absolute("home"),
    tmp: absolute("tmp"),
  };
}

/** Makes a job's directory with the request that starts it, durably: from now on the job survives every crash. */
export async function createJobDirectory(request: StartJobRequest): Promise<void> {
  const { root, home, tmp } = jobDirectory(request.jobId);
  await mkdir(root, { mode: 0o700 });
  const draft = `${root}/start.json.draft`;
  const [file] = await Promise.all([
    open(draft, "wx", 0o600),
    mkdir(home, { mode: 0o700 }),
    mkdir(tmp, { mode: 0o700 }),
  ]);
  await file.writeFile(toJsonString(StartJobRequestSchema, request));
  await file.sync();
  await file.close();
  await rename(draft, `${root}/start.json`);
  await Promise.all([sync(root), sync(jobsDirectory)]);
}

/** The request that started a job, or undefined when its directory was never finished. */
export function readStart({ root }: JobDirectory): StartJobRequest | undefined {
  const text = readIfThere(`${root}/start.json`);
  return text === undefined ? undefined : fromJsonString(StartJobRequestSchema, text);
}

/** Records who owns a job; written before its owner hears of the job. */
export async function writeOwner({ root }: JobDirectory, owner: JobOwner): Promise<void> {
  await writeFile(`${root}/supervisor.json.draft`, JSON.stringify(owner), { mode: 0o600 });
  await rename(`${root}/supervisor.json.draft`, `${root}/supervisor.json`);
}

/** Who owns a job, or undefined when nobody was told of it. */
export function readOwner({ root }: JobDirectory): JobOwner | undefined {
  return readJson<JobOwner>(`${root}/supervisor.json`);
}

/** Records the leader of the job's process group. */
export function writeLeader({ root }: JobDirectory, leader: ProcessIdentity): void {
  writeWhole(`${root}/process.json`, JSON.stringify(leader));
}

/** The leader of the job's process group, or undefined when none was started. */
export function readLeader({ root }: JobDirectory): ProcessIdentity | undefined {
  return readJson<ProcessIdentity>(`${root}/process.json`);
}

/** Records that the job's last event is spooled. */
export function writeEnded({ root }: JobDirectory, end: SpoolEnd): void {
  writeWhole(`${root}/ended.json`, JSON.stringify(end));
}

/** Where the spool of an ended job ends, or undefined when it has not ended. */
export function readEnded({ root }: JobDirectory): SpoolEnd | undefined {
  return readJson<SpoolEnd>(`${root}/ended.json`);
}

/** Writes a file that is there either whole or not at all. */
function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.draft`, text, { mode: 0o600 });
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

async function sync(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  await handle.sync();
  await handle.close();
}
