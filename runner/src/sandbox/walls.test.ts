import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runInBoxes } from "../../testing/boxes.ts";
import type { BoxResult } from "../../testing/run-in-boxes.ts";
import type { WallName } from "./walls.ts";

// Each thing that no job may do is tried in a whole box, where it must fail, and in one without the walls that stand in its
// way, where it must succeed: so it was these walls. What two of them keep out is also tried with either alone.

const isRoot = process.getuid?.() === 0;
const nobody = 65_534;
/** Whom the job of these tests runs as, and another job. */
const job = { uid: 1_900_000_001, gid: 1_900_000_001 };
const otherJob = 1_900_000_002;
const room = mkdtempSync(join(tmpdir(), "blazecraft-walls-"));
const hostFile = join(room, "home", "notes.txt");
const otherWorkspace = join(room, "other");
const socketPath = join(room, "runner.sock");
const secret = "SECRET_OF_THE_RUNNER=plum";
const canaries: ChildProcess[] = [];
let socketServer: Server;
let portServer: Server;

/** A process outside; it says when it runs, whoever it runs as. */
async function startCanary(uid: number | undefined): Promise<number> {
  const ids = uid === undefined ? {} : { uid, gid: uid };
  const env = { SECRET_OF_THE_RUNNER: "plum", PATH: "/usr/bin:/bin" };
  const child = spawn("sh", ["-c", "echo up; exec sleep 600"], { ...ids, env, stdio: ["ignore", "pipe", "ignore"] });
  canaries.push(child);
  await new Promise((resolve) => child.stdout?.once("data", resolve));
  return child.pid ?? 0;
}

function listen(server: Server, where: string | number): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(where, () => resolve(server));
  });
}

interface Attempt {
  readonly what: string;
  /** Prints "got" when it succeeds. */
  readonly script: string;
  /** What keeps it out. */
  readonly walls: readonly WallName[];
}

const perl = (code: string) => `perl -MSocket -e '${code}'`;
const reads = (path: string) => `cat ${path} > /dev/null && echo got`;
/** Looks for a way there; nothing is sent. */
const leadsTo = (address: string) =>
  perl(`socket(S, AF_INET, SOCK_DGRAM, 0); connect(S, sockaddr_in(80, inet_aton("${address}"))) and print "got"`);
const calls = (number: number, more: string) => perl(`syscall(${number}, ${more}) >= 0 and print "got"`);

function attempts(pids: { readonly root: number; readonly job: number; readonly other: number }): readonly Attempt[] {
  const { port } = portServer.address() as { port: number };
  return [
    { what: "a file of somebody's home", script: reads(hostFile), walls: ["files"] },
    { what: "the machine's devices of networks", script: "ls -d /sys/class/net/lo && echo got", walls: ["files"] },
    {
      what: "the runner's socket",
      script: perl(`socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, sockaddr_un("${socketPath}")) and print "got"`),
      walls: ["files"],
    },
    {
      what: "a port of the machine's loopback",
      script: perl(
        `socket(S, AF_INET, SOCK_STREAM, 0); connect(S, sockaddr_in(${port}, INADDR_LOOPBACK)) and print "got"`,
      ),
      walls: ["network"],
    },
    { what: "the address of a cloud's metadata", script: leadsTo("169.254.169.254"), walls: ["network"] },
    { what: "a private network", script: leadsTo("10.0.0.1"), walls: ["network"] },
    { what: "another job's process, to signal it", script: `kill -0 ${pids.job} && echo got`, walls: ["processes"] },
    {
      what: "the machine's name",
      script: `test "$(readlink /proc/self/ns/uts)" = "${readlinkSync("/proc/self/ns/uts")}" && echo got`,
      walls: ["ipc"],
    },
    ...(process.arch === "x64" ? attemptsByNumber : []),
  ];
}

/** System calls by their numbers on x64. */
const attemptsByNumber: readonly Attempt[] = [
  { what: "a vsock socket", script: perl(`socket(S, 40, 1, 0) and print "got"`), walls: ["system-calls"] },
  {
    what: "tracing a process of its own",
    // PTRACE_ATTACH.
    script: perl(
      "$p = fork // die; sleep 5, exit unless $p; syscall(101, 16, $p, 0, 0) == 0 and print qq(got); kill 9, $p",
    ),
    walls: ["system-calls"],
  },
  // KEYCTL_GET_KEYRING_ID of the session's.
  { what: "keys of the kernel", script: calls(250, "0, -3, 1"), walls: ["system-calls"] },
  {
    what: "an io_uring",
    script: perl("$params = chr(0) x 120; syscall(425, 4, $params) >= 0 and print qq(got)"),
    walls: ["system-calls"],
  },
];

/** With what only root could do, and its jobs' users keep from one another. */
function attemptsAtRoot(pids: { readonly root: number; readonly other: number }): readonly Attempt[] {
  return [
    { what: "/etc/shadow", script: reads("/etc/shadow"), walls: ["files", "user"] },
    { what: "another job's workspace", script: reads(`${otherWorkspace}/file`), walls: ["files", "user"] },
    {
      what: "the environment of a process of the runner's",
      script: `grep -qz ${secret} /proc/${pids.root}/environ && echo got`,
      walls: ["processes", "user"],
    },
    {
      what: "a process of another job's user, to signal it",
      script: `kill -0 ${pids.other} && echo got`,
      walls: ["processes", "user"],
    },
    {
      what: "a setting of the kernel",
      // Opened only.
      script: perl('open(F, "+<", "/proc/sys/kernel/core_pattern") and print "got"'),
      walls: ["user"],
    },
    {
      what: "a raw socket",
      script: perl('socket(S, AF_INET, SOCK_RAW, 1) and print "got"'),
      walls: ["system-calls", "user"],
    },
    { what: "a namespace of its own", script: "unshare --user true && echo got", walls: ["system-calls"] },
    { what: "a mount", script: "mount -t tmpfs none /tmp && echo got", walls: ["system-calls", "user"] },
  ];
}

beforeAll(async () => {
  chmodSync(room, 0o755);
  mkdirSync(join(room, "home"));
  writeFileSync(hostFile, "notes");
  socketServer = await listen(
    createServer((socket) => socket.destroy()),
    socketPath,
  );
  chmodSync(socketPath, 0o777);
  portServer = await listen(
    createServer((socket) => socket.destroy()),
    0,
  );
});

afterAll(() => {
  for (const canary of canaries) canary.kill("SIGKILL");
  socketServer.close();
  portServer.close();
  rmSync(room, { recursive: true, force: true });
});

/** Runs every attempt in a whole box, with each of its walls alone, and without any of them. */
async function tryAll(all: readonly Attempt[], user: typeof job | undefined, as: { uid?: number }) {
  const workspace = mkdtempSync(join(room, "workspace-"));
  if (as.uid !== undefined) chownSync(workspace, as.uid, as.uid);
  const runs = all.flatMap(({ script, walls }) => [
    { script },
    { script, without: walls },
    ...(walls.length > 1 ? walls.map((kept) => ({ script, without: walls.filter((wall) => wall !== kept) })) : []),
  ]);
  const results = [...(await runInBoxes({ workspace, ...(user && { user }), runs }, as))];
  return all.map(({ what, walls }) => {
    const [whole, without, ...single] = results.splice(0, walls.length > 1 ? 2 + walls.length : 2);
    return { what, whole: got(whole), without: got(without), single: single.map(got) };
  });
}

/** Whether an attempt succeeded; what it said when that cannot be told. */
function got(result: BoxResult | undefined): boolean | string {
  if (result === undefined || result.end.startsWith("E")) return `no box: ${result?.end} ${result?.stderr}`;
  return result.stdout.includes("got");
}

function expected(all: readonly Attempt[]) {
  return all.map(({ what, walls }) => ({
    what,
    whole: false,
    without: true,
    single: walls.length > 1 ? walls.map(() => false) : [],
  }));
}

describe("of a runner that is root", () => {
  test.runIf(isRoot)("each wall keeps out what it is there for", { timeout: 120_000 }, async () => {
    mkdirSync(otherWorkspace, { mode: 0o700 });
    writeFileSync(join(otherWorkspace, "file"), "work");
    chownSync(otherWorkspace, otherJob, otherJob);
    const pids = {
      root: await startCanary(undefined),
      job: await startCanary(job.uid),
      other: await startCanary(otherJob),
    };
    const all = [...attempts(pids), ...attemptsAtRoot(pids)];
    expect(await tryAll(all, job, {})).toEqual(expected(all));
  });
});

/** Whether somebody else than root can read this project. */
const canBeNobody =
  isRoot && spawnSync(process.execPath, ["--check", import.meta.filename], { uid: nobody }).status === 0;

describe("of a runner that is not root", () => {
  test.runIf(canBeNobody)("each wall keeps out what it is there for", { timeout: 120_000 }, async () => {
    const pids = { root: 0, job: await startCanary(nobody), other: 0 };
    const all = [
      ...attempts(pids),
      { what: "a namespace of its own", script: "unshare --user true && echo got", walls: ["system-calls", "user"] },
    ] as const;
    expect(await tryAll(all, undefined, { uid: nobody })).toEqual(expected(all));
  });
});
