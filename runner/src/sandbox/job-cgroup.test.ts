import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { findCgroups } from "./cgroups.ts";
import { JobCgroup } from "./job-cgroup.ts";

const cgroups = findCgroups();
const bounds = { memoryBytes: 64 << 20, maxProcesses: 20 };

describe.skipIf(cgroups.version === "none")("the control group of a job", () => {
  const open = async () => {
    const name = `blazecraft-test-${process.pid}-${Math.trunc(Math.random() * 1e9)}`;
    const group = await JobCgroup.open(cgroups, name, bounds);
    if (group === undefined) throw new Error("this machine has control groups");
    return group;
  };
  const start = (group: JobCgroup, script: string) => {
    const join = `for file in ${group.joinFiles.join(" ")}; do echo 0 > $file; done; ${script}`;
    return spawn("sh", ["-c", join], { stdio: "ignore" });
  };

  test("kills all that is in it, wherever it went, and is gone", async () => {
    const group = await open();
    start(group, "setsid sh -c 'trap \"\" TERM; sleep 600' & exec sleep 600");
    await expect.poll(() => group.pids.length).toBeGreaterThanOrEqual(3);
    const { pids } = group;
    await group.remove();
    expect(group.joinFiles.map((file) => existsSync(dirname(file)))).not.toContain(true);
    expect(pids.filter((pid) => existsSync(`/proc/${pid}/exe`))).toEqual([]);
  });

  test("bounds the memory, and tells that it did", async () => {
    const group = await open();
    const [code, signal] = await once(start(group, "exec tail /dev/zero"), "exit");
    expect([code, signal]).toEqual([null, "SIGKILL"]);
    expect(group.met).toEqual({ memoryKills: expect.any(Number), refusedProcesses: 0 });
    expect(group.met.memoryKills).toBeGreaterThan(0);
    await group.remove();
  });

  test("bounds the processes, and tells that it did", async () => {
    const group = await open();
    start(group, "for n in $(seq 40); do sleep 600 & done; wait");
    await expect.poll(() => group.met.refusedProcesses).toBeGreaterThan(0);
    expect(group.pids.length).toBeLessThanOrEqual(bounds.maxProcesses);
    await group.remove();
  });

  test("one that a crash has left is emptied before it is used again", async () => {
    const left = await open();
    const child = start(left, "exec sleep 600");
    await expect.poll(() => left.pids).toContain(child.pid);
    const name =
      dirname(left.joinFiles[0] ?? "")
        .split("/")
        .at(-1) ?? "";
    const next = await JobCgroup.open(cgroups, name, bounds);
    expect(next?.pids).toEqual([]);
    await next?.remove();
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
