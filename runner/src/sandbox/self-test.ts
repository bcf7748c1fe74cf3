import { readlinkSync, realpathSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { identifyProcess, jobMarker } from "../process/process-table.ts";
import { Bubblewrap } from "./bubblewrap.ts";
import { NetworkNamespace } from "./network-namespace.ts";
import { fetchUser, type SandboxSettings } from "./open-sandbox.ts";
import type { ProbeFinding, ProbeTask } from "./probe-task.ts";
import { runConfined } from "./run-confined.ts";
import type { BoxUser, Sandbox } from "./sandbox.ts";
import { systemPath } from "./system-files.ts";
import { type WallName, wallNames } from "./walls.ts";

/** What a self-test found. */
export interface SelfTest {
  /** Why no job may run, one sentence, and what to do; empty when all walls hold. */
  readonly problem: string;
  readonly walls: readonly WallReport[];
}

/** What was tried of one wall. */
export interface WallReport {
  readonly name: WallName;
  readonly holds: boolean;
  /** One sentence. */
  readonly detail: string;
}

/** Tries every wall of a box from inside. The file is one that no job may see, such as the runner's own lock. */
export async function testSandbox(settings: SandboxSettings, file: string): Promise<SelfTest> {
  if (settings.kind === "none") return { problem: "", walls: [] };
  if (process.platform !== "linux") return failed("bubblewrap is a program for Linux");
  try {
    using network = await NetworkNamespace.open();
    const { uidBase, readable } = settings;
    // Nobody fetches yet, and jobs have others.
    const user = fetchUser(uidBase);
    const sandbox = new Bubblewrap({ user, network, readable, prefix: [], without: [] });
    return judge(await probe({ sandbox, user, file }));
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}

/** A box to probe. */
export interface Probed {
  readonly sandbox: Sandbox;
  readonly user: BoxUser | undefined;
  readonly file: string;
}

/** What a program got at that tried from inside a box all that no job must be able to do. */
export async function probe({ sandbox, user, file }: Probed): Promise<readonly ProbeFinding[]> {
  const server = await listenOnLoopback();
  try {
    const task = probeTask(server, user, file);
    const node = realpathSync(process.execPath);
    const command = {
      argv: [node, probeProgram, JSON.stringify(task)] as const,
      env: { PATH: systemPath },
      directory: "/tmp",
      writable: [],
      readable: [node, probeProgram],
      network: "proxied",
    } as const;
    const result = await runConfined(sandbox, {
      command,
      signal: AbortSignal.timeout(probeMs),
      maxOutputBytes: 1 << 20,
    });
    if (result.kind === "unstartable") throw new Error(`no box can be built: ${result.stderr.trim() || result.code}`);
    const { exit, stdout, stderr } = result;
    if (exit.kind === "exited" && exit.exitCode === 0) return JSON.parse(stdout.toString()) as ProbeFinding[];
    throw new Error(`the self-test could not run in a box: ${stderr.trim()}`);
  } finally {
    server.close();
  }
}

const probeProgram = fileURLToPath(new URL("./probe.ts", import.meta.url));
const probeMs = 20_000;

function probeTask(server: Server, user: BoxUser | undefined, file: string): ProbeTask {
  const self = identifyProcess(process.pid);
  const address = server.address();
  if (self === undefined || address === null || typeof address === "string") throw new Error("nothing can be probed");
  return {
    file: resolve(file),
    forbiddenUid: user === undefined ? -1 : 0,
    process: { pid: self.pid, startTime: self.startTime },
    variables: ["PATH", jobMarker],
    port: address.port,
    namespaces: ["ipc", "uts", "mnt"].map((name) => ({ name, id: readlinkSync(`/proc/self/ns/${name}`) })),
  };
}

function listenOnLoopback(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", reject).listen(0, "127.0.0.1", () => resolve(server));
  });
}

function judge(findings: readonly ProbeFinding[]): SelfTest {
  const walls = wallNames.map((name) => {
    const got = findings.find(({ wall }) => wall === name)?.got ?? "it was not tried";
    return { name, holds: got === "", detail: got === "" ? held[name] : `From inside a box, ${got}.` };
  });
  const open = walls.find(({ holds }) => !holds);
  if (open === undefined) return { problem: "", walls };
  return { problem: `The wall "${open.name}" does not hold. ${open.detail} ${remedy}`, walls };
}

const held: Readonly<Record<WallName, string>> = {
  files: "It found nothing of the machine's files but the system's programs.",
  user: "It had no power, could gain none, and could not change the kernel's settings.",
  processes: "It saw no process of the machine's, and no environment but its own.",
  network: "It had no network but a loopback of its own.",
  ipc: "It shared no memory, queue or name with the machine.",
  "system-calls": "It was refused a namespace of its own.",
};

const remedy = "See docs/operate.md for what boxes need, or choose ISOLATION=none, which confines nothing.";

function failed(reason: string): SelfTest {
  const said = reason.replace(/\s+/g, " ").replace(/\.$/, "");
  return { problem: `Jobs cannot be confined: ${said}. ${remedy}`, walls: [] };
}
