import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { identifyProcess } from "../process/process-table.ts";
import { groupParents, jobGroupName, removeLeftGroups } from "./cgroup-directories.ts";
import { findCgroups } from "./cgroups.ts";
import { JobCgroup } from "./job-cgroup.ts";

const cgroups = findCgroups();
const bounds = { memoryBytes: 64 << 20, maxProcesses: 20 };

describe.skipIf(cgroups.version === "none")("the control group of a job", () => {
  const name = `blazecraft-test-${process.pid}`;
  let group: JobCgroup;

  const open = async (called: string) => {
    const opened = await JobCgroup.open(cgroups, called, bounds);
    if (opened === undefined) throw new Error("this machine has control groups");
    return opened;
  };
  const start = ({ joining }: JobCgroup, script: string) => {
    const [program = "", ...args] = joining;
    return spawn(program, [...args, "sh", "-c", script], { stdio: "ignore" });
  };
  const isThere = (called: string) => groupParents(cgroups).some((parent) => existsSync(join(parent, called)));

  beforeEach(async () => {
    group = await open(name);
  });

  afterEach(async () => {
    await group.remove();
    expect(isThere(name)).toBe(false);
  });

  test("kills all that is in it, wherever it went", async () => {
    start(group, "setsid sh -c 'trap \"\" TERM; sleep 600' & exec sleep 600");
    await expect.poll(() => group.pids.length).toBeGreaterThanOrEqual(3);
    const { pids } = group;
    await group.remove();
    expect(pids.filter((pid) => identifyProcess(pid) !== undefined)).toEqual([]);
  });

  test("bounds the memory, and tells that it did until it is renewed", async () => {
    const [code, signal] = await once(start(group, "exec tail /dev/zero"), "exit");
    expect([code, signal]).toEqual([null, "SIGKILL"]);
    expect(group.met.memoryKills).toBeGreaterThan(0);
    await group.renew();
    expect(group.met).toEqual({ memoryKills: 0, refusedProcesses: 0 });
  });

  test("bounds the processes, and tells that it did", async () => {
    start(group, "for n in $(seq 40); do sleep 600 & done; wait");
    await expect.poll(() => group.met.refusedProcesses).toBeGreaterThan(0);
    expect(group.pids.length).toBeLessThanOrEqual(bounds.maxProcesses);
  });

  test("one that a crash has left is emptied before it is used again", async () => {
    const child = start(group, "exec sleep 600");
    await expect.poll(() => group.pids).toContain(child.pid);
    expect((await open(name)).pids).toEqual([]);
  });

  test("those of processes that run no more are removed, with what is in them", async () => {
    const dead = spawn("true");
    await once(dead, "exit");
    const [left, own] = [jobGroupName(dead.pid ?? 0), jobGroupName(process.pid)];
    const child = start(await open(left), "exec sleep 600");
    const live = await open(own);
    await removeLeftGroups(cgroups);
    expect([isThere(left), isThere(own), identifyProcess(child.pid ?? 0)]).toEqual([false, true, undefined]);
    await live.remove();
  });
});

/** Version 2 as its files look; the kernel of a test machine may have either. */
describe("version 2", () => {
  const root = mkdtempSync(join(tmpdir(), "blazecraft-cgroup-"));
  const mounts = `30 1 0:29 / ${root} rw - cgroup2 cgroup2 rw`;
  const find = (own: string) => findCgroups({ mounts, own: `0::${own}` });
  const group = (path: string, files: Readonly<Record<string, string>>) => {
    mkdirSync(join(root, path), { recursive: true });
    for (const [file, text] of Object.entries(files)) writeFileSync(join(root, path, file), text);
  };
  const controllers = { "cgroup.controllers": "cpu memory pids\n" };

  afterAll(() => rmSync(root, { recursive: true }));

  test("is divided below the group of a service, which then holds no process itself", () => {
    const files = { ...controllers, "cgroup.type": "domain\n", "cgroup.procs": `${process.pid}\n` };
    group("service", files);
    expect(find("/service")).toEqual({ version: 2, base: join(root, "service") });
    expect(readFileSync(join(root, "service/runner/cgroup.procs"), "utf8")).toBe(String(process.pid));
    // And again by the runner after that, which is started in there.
    expect(find("/service/runner")).toEqual({ version: 2, base: join(root, "service") });
  });

  test("is left alone where others are in the group, and where memory and processes cannot be bounded", () => {
    group("session", { ...controllers, "cgroup.type": "domain\n", "cgroup.procs": "1\n" });
    expect(find("/session")).toMatchObject({ version: "none", reason: expect.stringContaining("process 1 shares") });
    group("small", { "cgroup.controllers": "hugetlb\n" });
    expect(find("/small")).toMatchObject({ version: "none", reason: expect.stringContaining("memory and pids") });
    expect(find("/../elsewhere")).toMatchObject({ version: "none" });
  });
});
