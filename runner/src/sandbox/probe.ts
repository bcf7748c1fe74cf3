/**
 * Tries from inside a box what no job must be able to do, and writes what it got as JSON. What it is told to try comes as
 * its only argument, a `ProbeTask`.
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import type { ProbeFinding, ProbeTask } from "./probe-task.ts";

const task: ProbeTask = JSON.parse(process.argv[2] ?? "{}");
const attempts: Readonly<Record<ProbeFinding["wall"], () => string | undefined | Promise<string | undefined>>> = {
  files: findFiles,
  user: findPowers,
  processes: findProcesses,
  network: findNetwork,
  ipc: findNames,
  "system-calls": findSystemCalls,
};
const findings = await Promise.all(
  Object.entries(attempts).map(async ([wall, attempt]) => ({ wall, got: (await attempt()) ?? "" })),
);
process.stdout.write(JSON.stringify(findings));

function findFiles(): string | undefined {
  const path = [task.file, "/etc/shadow", "/root", "/home", "/sys/class", "/var/log"].find(existsSync);
  return path && `it found ${path}`;
}

function findPowers(): string | undefined {
  const status = readFileSync("/proc/self/status", "utf8");
  const field = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status)?.[1] ?? "";
  const power = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].find((name) => !/^0+$/.test(field(name)));
  if (power !== undefined) return `it has ${power} ${field(power)}`;
  if (field("NoNewPrivs") !== "1") return "it can gain powers by programs that have some";
  if (process.getuid?.() === task.forbiddenUid) return `its user id is ${task.forbiddenUid}`;
  return canWrite("/proc/sys/kernel/core_pattern") ? "it can change the kernel's settings" : undefined;
}

function findProcesses(): string | undefined {
  const { pid, startTime } = task.process;
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, "utf8") : "";
  if (stat.split(" ").includes(String(startTime))) return "it sees the runner's process";
  const strange = readableEnvironments()
    .flatMap((text) => text.split("\0"))
    .map((variable) => variable.split("=")[0] ?? "")
    .find((name) => name !== "" && !task.variables.includes(name));
  return strange && `it read ${strange} in the environment of another process`;
}

async function findNetwork(): Promise<string | undefined> {
  const strange = Object.keys(networkInterfaces()).find((name) => name !== "lo");
  if (strange !== undefined) return `it has the network interface ${strange}`;
  return (await canConnect(task.port)) ? "it reached a port of the machine's loopback" : undefined;
}

function findNames(): string | undefined {
  const shared = task.namespaces.find(({ name, id }) => readlinkSync(`/proc/self/ns/${name}`) === id);
  return shared && `it shares the machine's ${shared.name} namespace`;
}

function findSystemCalls(): string | undefined {
  const { status, error } = spawnSync("unshare", ["--user", "true"], { stdio: "ignore" });
  if (error !== undefined) return `it could not try: ${error.message}`;
  return status === 0 ? "it could make a namespace of its own" : undefined;
}

function readableEnvironments(): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        return [readFileSync(`/proc/${name}/environ`, "latin1")];
      } catch {
        // That is the wall.
        return [];
      }
    });
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => resolve(true));
    socket.once("error", () => resolve(false)).once("close", () => resolve(false));
  });
}
