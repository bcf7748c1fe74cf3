import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
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
export function createJobDirectory(request: StartJobRequest): JobDirectory {
  const directory = jobDirectory(request.jobId);
  for (const path of [directory.root, directory.home, directory.tmp]) mkdirSync(path, { mode: 0o700 });
  writeWhole(`${directory.root}/start.json`, toJsonString(StartJobRequestSchema, request), { durable: true });
  sync(directory.root);
  sync(jobsDirectory);
  return directory;
}

/** The request that started a job, or undefined when its directory was never finished. */
export function readStart({ root }: JobDirectory): StartJobRequest | undefined {
  const text = readIfThere(`${root}/start.json`);
  return text === undefined ? undefined : fromJsonString(StartJobRequestSchema, text);
}

/** Records who owns a job; written before its owner hears of the job. */
export function writeOwner({ root }: JobDirectory, owner: JobOwner): void {
  writeWhole(`${root}/supervisor.json`, JSON.stringify(owner), { durable: false });
}

/** Who owns a job, or undefined when nobody was told of it. */
export function readOwner({ root }: JobDirectory): JobOwner | undefined {
  return readJson<JobOwner>(`${root}/supervisor.json`);
}

/** Records the leader of the job's process group. */
export function writeLeader({ root }: JobDirectory, leader: ProcessIdentity): void {
  writeWhole(`${root}/process.json`, JSON.stringify(leader), { durable: false });
}

/** The leader of the job's process group, or undefined when none was started. */
export function readLeader({ root }: JobDirectory): ProcessIdentity | undefined {
  return readJson<ProcessIdentity>(`${root}/process.json`);
}

/** Records that the job's last event is spooled. */
export function writeEnded({ root }: JobDirectory, end: SpoolEnd): void {
  writeWhole(`${root}/ended.json`, JSON.stringify(end), { durable: false });
}

/** Where the spool of an ended job ends, or undefined when it has not ended. */
export function readEnded({ root }: JobDirectory): SpoolEnd | undefined {
  return readJson<SpoolEnd>(`${root}/ended.json`);
}

/** Writes a file that is there either whole or not at all. */
function writeWhole(path: string, text: string, { durable }: { durable: boolean }): void {
  const draft = `${path}.draft`;
  const fd = openSync(draft, "w", 0o600);
  writeSync(fd, text);
  if (durable) fsyncSync(fd);
  closeSync(fd);
  renameSync(draft, path);
}

/** Reads what this program wrote whole: it has the shape that it was written with. */
function readJson<Value>(path: string): Value | undefined {
  const text = readIfThere(path);
  return text === undefined ? undefined : (JSON.parse(text) as Value);
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

function sync(directory: string): void {
  const fd = openSync(directory, "r");
  fsyncSync(fd);
  closeSync(fd);
}
