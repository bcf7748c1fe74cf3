import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { Server } from "node:net";
import { fileURLToPath } from "node:url";
import { EgressDoor } from "./egress-door.ts";
import { gatePorts } from "./gate-ports.ts";
import { systemPath } from "./system-files.ts";

/** What `openNetworkNamespace` took from its gate. */
interface Gate {
  readonly proxy: Server;
  readonly model: Server;
  /** File descriptors of the namespace, and of the user namespace that it belongs to, unless the runner is root. */
  readonly net: number;
  readonly user: number | undefined;
}

/**
 * A network of nobody's but the jobs that enter it: a loopback with two ports behind which this process answers. It needs no
 * process of its own.
 */
export class NetworkNamespace implements Disposable {
  /** Has the connections to 127.0.0.1:3128, where jobs look for their proxy. */
  readonly egressDoor: EgressDoor;
  /** Takes the connections to 127.0.0.1:3129, where an agent may look for its model. */
  readonly model: Server;
  readonly #gate: Gate;

  private constructor(gate: Gate) {
    this.egressDoor = new EgressDoor(gate.proxy);
    this.model = gate.model;
    this.#gate = gate;
  }

  /** Makes one, which takes a tenth of a second. Throws what the system said when it cannot be made. */
  static async open(): Promise<NetworkNamespace> {
    return new NetworkNamespace(await passGate());
  }

  /** What is put before a command for it to run in here. */
  get entering(): readonly string[] {
    // By this process's own table: what is inherited could be kept by the command.
    const path = (fd: number) => `/proc/${process.pid}/fd/${fd}`;
    const { net, user } = this.#gate;
    const asUser = user === undefined ? [] : [`--user=${path(user)}`, "--preserve-credentials"];
    return ["nsenter", ...asUser, `--net=${path(net)}`, "--"];
  }

  /** Where an agent finds its model. */
  get modelUrl(): string {
    return `http://127.0.0.1:${gatePorts.model}`;
  }

  [Symbol.dispose](): void {
    const { proxy, model, net, user } = this.#gate;
    for (const server of [proxy, model]) server.close();
    for (const fd of [net, user]) if (fd !== undefined) closeSync(fd);
  }
}

const gateProgram = fileURLToPath(new URL("./gate.ts", import.meta.url));

async function passGate(): Promise<Gate> {
  // Of all namespaces this makes only that of the network, and brings its loopback up.
  const args = ["--unshare-net", "--dev-bind", "/", "/", "--die-with-parent", "--", process.execPath, gateProgram];
  const stdio = ["ignore", "ignore", "pipe", "ipc"] as const;
  const gate = spawn("bwrap", args, { cwd: "/", stdio: [...stdio], env: { PATH: systemPath } });
  const { proxy, model, pid } = await takeServers(gate);
  const namespaces = `/proc/${pid}/ns`;
  const isRoot = process.getuid?.() === 0;
  const net = openSync(`${namespaces}/net`, "r");
  const user = isRoot ? undefined : openSync(`${namespaces}/user`, "r");
  const left = new Promise((resolve) => gate.once("exit", resolve));
  gate.send("leave");
  await left;
  return { proxy, model, net, user };
}

function takeServers(gate: ChildProcess): Promise<{ proxy: Server; model: Server; pid: number }> {
  let said = "";
  gate.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  return new Promise((resolve, reject) => {
    const servers = new Map<string, Server>();
    gate.once("error", (error) => reject(new Error(`bwrap cannot be started: ${error.message}`)));
    gate.once("close", () => reject(new Error(`no network namespace can be made: ${said.trim()}`)));
    gate.on("message", ({ name, pid }: { name: string; pid: number }, server: unknown) => {
      if (server instanceof Server) servers.set(name, server);
      const [proxy, model] = [servers.get("proxy"), servers.get("model")];
      if (proxy !== undefined && model !== undefined) resolve({ proxy, model, pid });
    });
  });
}
