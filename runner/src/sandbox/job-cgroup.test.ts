import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
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
test("version 2 is divided below the group that this process is in, which then holds none itself", () => {
  const root = mkdtempSync(join(tmpdir(), "blazecraft-cgroup-"));
  writeFileSync(join(root, "cgroup.controllers"), "cpu memory pids\n");
  writeFileSync(join(root, "cgroup.procs"), "17\n");
  const mounts = `30 1 0:29 / ${root} rw - cgroup2 cgroup2 rw`;
  expect(findCgroups({ mounts, own: "0::/" })).toEqual({ version: 2, base: root });
  writeFileSync(join(root, "cgroup.controllers"), "hugetlb\n");
  expect(findCgroups({ mounts, own: "0::/" })).toMatchObject({
    version: "none",
    reason: /no controller memory and pids/,
  });
  expect(findCgroups({ mounts, own: "0::/../elsewhere" })).toMatchObject({ version: "none" });
  rmSync(root, { recursive: true });
});
