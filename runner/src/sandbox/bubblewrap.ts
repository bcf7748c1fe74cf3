import { spawnSync } from "node:child_process";
import { lstatSync } from "node:fs";
import { jobMarker } from "../process/process-table.ts";
import { boxReady, type SpawnCommand } from "../process/spawn-command.ts";
import { boxMounts } from "./box-mounts.ts";
import { gatePorts } from "./gate-ports.ts";
import type { NetworkNamespace } from "./network-namespace.ts";
import type { BoxUser, ConfinedCommand, Sandbox } from "./sandbox.ts";
import { isFiltered, seccompFilter } from "./seccomp.ts";
import { groupFile, machineNames, ownNames, passwdFile, systemPath } from "./system-files.ts";
import { type WallName, wallNames } from "./walls.ts";

/** What boxes are made of. */
export interface BubblewrapOptions {
  /** Who commands run as; undefined when that is the runner's own user, which is not root. */
  readonly user: BoxUser | undefined;
  /** What "proxied" stands for: the network that leads to the job's proxy, or for programs of the runner's own the machine's. */
  readonly network: NetworkNamespace | "machine";
  /** What the operator adds to what commands may read: absolute paths. */
  readonly readable: readonly string[];
  /** Put before what builds a box, such as a program that joins control groups and goes on as its arguments say. */
  readonly prefix: readonly string[];
  /** Walls to leave out; only to see what they are good for. */
  readonly without: readonly WallName[];
}

/**
 * A box for each command, built by a chain of programs of which each becomes the next: prefix → nsenter → bwrap → setpriv →
 * sh → the command. None of them sees anything that the command decides, such as its environment, while it has any power:
 * that is read from a file inside, once setpriv has given up root.
 */
export class Bubblewrap implements Sandbox {
  readonly kind = "bubblewrap";
  readonly user: BoxUser | undefined;
  readonly #options: BubblewrapOptions;
  readonly #walls: ReadonlySet<WallName>;
  readonly #filter: Uint8Array;
  /** Has the kernel refuse user namespaces, which the filter does too. */
  readonly #forbidding: readonly string[];

  /** Throws when there is no filter of system calls for this processor. */
  constructor(options: BubblewrapOptions) {
    if (!isFiltered(process.arch)) throw new Error(`there is no filter of system calls for ${process.arch}`);
    this.user = options.user;
    this.#options = options;
    this.#walls = new Set(wallNames.filter((name) => !options.without.includes(name)));
    this.#filter = seccompFilter(process.arch);
    this.#forbidding = options.user === undefined && canForbidNamespaces() ? ["--disable-userns"] : [];
  }

  confine(command: ConfinedCommand): SpawnCommand {
    const { prefix } = this.#options;
    const inputs = new Inputs();
    const args = this.#boxArguments(command, inputs);
    const builder = ["bwrap", "--args", inputs.add(args.map((word) => `${word}\0`).join("")), "--"];
    const [program = "", ...rest] = [...prefix, ...this.#entering(command), ...builder, ...this.#starter()];
    const marker = command.env[jobMarker];
    return {
      argv: [program, ...rest, ...command.argv],
      env: { PATH: systemPath, ...(marker === undefined ? {} : { [jobMarker]: marker }) },
      directory: "/",
      box: { inputs: inputs.all },
    };
  }

  forOwnerOf(directory: string): Sandbox {
    const { user } = this.#options;
    if (user === undefined) return this;
    const { uid, gid } = lstatSync(directory);
    if (uid === 0) throw new Error(`${directory} is nobody's but the runner's`);
    return new Bubblewrap({ ...this.#options, user: { uid, gid } });
  }

  #entering(command: ConfinedCommand): readonly string[] {
    return this.#entered(command)?.entering ?? [];
  }

  #entered(command: ConfinedCommand): NetworkNamespace | undefined {
    const { network } = this.#options;
    return command.network === "proxied" && this.#walls.has("network") && network !== "machine" ? network : undefined;
  }

  #boxArguments(command: ConfinedCommand, inputs: Inputs): readonly string[] {
    const walls = this.#walls;
    return [
      ...["--die-with-parent", "--new-session"],
      ...(walls.has("processes") ? ["--unshare-pid"] : []),
      ...(walls.has("ipc") ? ["--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "job"] : []),
      ...(command.network === "none" && walls.has("network") ? ["--unshare-net"] : []),
      ...this.#powers(),
      ...this.#files(command, inputs),
      ...(walls.has("system-calls") ? ["--seccomp", inputs.add(this.#filter)] : []),
    ];
  }

  /** What bubblewrap keeps of its powers: as root those that setpriv needs, and then gives up. */
  #powers(): readonly string[] {
    const isKept = !this.#walls.has("user");
    if (this.#options.user === undefined) {
      return ["--unshare-user", ...(isKept ? ["--cap-add", "ALL"] : [...this.#forbidding, "--cap-drop", "ALL"])];
    }
    return isKept ? [] : ["--cap-drop", "ALL", ...neededPowers.flatMap((power) => ["--cap-add", power])];
  }

  #files(command: ConfinedCommand, inputs: Inputs): readonly string[] {
    const user = this.#options.user ?? ownUser();
    const environment = { ...this.#proxyEnvironment(command), ...command.env };
    const file = (path: string, text: string) => ["--perms", "0444", "--ro-bind-data", inputs.add(text), path];
    const readable = [...this.#options.readable, ...command.readable];
    if (!this.#walls.has("files")) {
      return [
        ...["--dev-bind", "/", "/", "--proc", "/proc", "--tmpfs", "/run"],
        ...file(surroundingsPath, surroundings(environment, command.directory)),
      ];
    }
    return [
      ...["--perms", "0755", "--dir", "/etc", "--perms", "0755", "--dir", "/run"],
      ...file("/etc/passwd", passwdFile(user, command.env.HOME ?? "/")),
      ...file("/etc/group", groupFile(user)),
      ...file(surroundingsPath, surroundings(environment, command.directory)),
      ...(command.network === "proxied" && this.#options.network === "machine" ? machineNames() : ownNames()),
      ...boxMounts({ ...command, readable }),
    ];
  }

  /** What programs look for that want to reach the network. */
  #proxyEnvironment(command: ConfinedCommand): Readonly<Record<string, string>> {
    return this.#entered(command) === undefined ? {} : proxyEnvironment;
  }

  #starter(): readonly string[] {
    const { user } = this.#options;
    const start = ["/bin/sh", "-c", startScript, "sh"];
    if (user === undefined || !this.#walls.has("user")) return start;
    const { uid, gid } = user;
    return ["setpriv", "--reuid", String(uid), "--regid", String(gid), ...givingUp, "--", ...start];
  }
}

const neededPowers = ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"];
const givingUp = ["--clear-groups", "--bounding-set", "-all", "--inh-caps", "-all", "--no-new-privs"];

const surroundingsPath = "/run/surroundings";

/** Says how it gets on over the descriptor 3, which the command does not inherit. */
const startScript = `
umask 022
. ${surroundingsPath}
refuse() { echo "$1" >&3; exit 127; }
case $1 in
*/*) [ -e "$1" ] || refuse ENOENT; [ -f "$1" ] && [ -x "$1" ] || refuse EACCES ;;
*) command -v -- "$1" >/dev/null || refuse ENOENT ;;
esac
echo ${boxReady} >&3
exec "$@" 3>&-
`;

const proxyUrl = `http://127.0.0.1:${gatePorts.proxy}`;
const direct = "127.0.0.1,localhost,::1";
const proxyEnvironment = {
  HTTP_PROXY: proxyUrl,
  HTTPS_PROXY: proxyUrl,
  http_proxy: proxyUrl,
  https_proxy: proxyUrl,
  NO_PROXY: direct,
  no_proxy: direct,
};

/** Before version 0.8 it cannot. */
function canForbidNamespaces(): boolean {
  const { stdout } = spawnSync("bwrap", ["--help"], { env: { PATH: systemPath }, encoding: "utf8" });
  return stdout?.includes("--disable-userns");
}

function ownUser(): BoxUser {
  const [uid, gid] = [process.getuid?.(), process.getgid?.()];
  if (uid === undefined || gid === undefined) throw new Error("this system has no users as bubblewrap knows them");
  return { uid, gid };
}

/** Shell that sets the environment and working directory of a command. Only its own user may be able to enter that. */
function surroundings(environment: Readonly<Record<string, string>>, directory: string): string {
  const exports = Object.entries(environment).map(([name, value]) => `export ${name}=${quote(value)}\n`);
  return `${exports.join("")}cd -- ${quote(directory)} || exit\nunset PWD OLDPWD\n`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** What a box reads from its descriptors, the first of which is the one behind the report's. */
class Inputs {
  readonly #all: Uint8Array[] = [];

  /** Answers the number of its descriptor. */
  add(content: string | Uint8Array): string {
    this.#all.push(Buffer.from(content));
    return String(firstInput + this.#all.length - 1);
  }

  get all(): readonly Uint8Array[] {
    return this.#all;
  }
}

const firstInput = 4;
