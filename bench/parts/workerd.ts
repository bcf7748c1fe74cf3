import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { unstable_readConfig as readConfig } from "wrangler";
import { startProgram } from "./program.ts";

/** The gateway as one module, and how the runtime is to run it. */
export interface Bundle {
  readonly script: string;
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly objects: readonly { readonly binding: string; readonly className: string }[];
  /** Deletes it. */
  close(): Promise<void>;
}

/** A workerd without anything in front of it. */
export interface Workerd {
  readonly url: string;
  readonly pid: number;
  close(): Promise<void>;
}

const root = join(import.meta.dirname, "../..");

/** The one that wrangler brings along. */
const { default: workerdPath } = createRequire(import.meta.resolve("wrangler"))("workerd") as { default: string };

/** Bundles the gateway as a deployment would, without the web client. */
export async function bundleGateway(): Promise<Bundle> {
  const folder = await mkdtemp(join(tmpdir(), "blazecraft-bundle-"));
  const { main, compatibility_date, compatibility_flags, durable_objects, exports } = readConfig(
    { config: join(root, "gateway/wrangler.jsonc") },
    { hideWarnings: true },
  ) as GatewayConfig;
  const config = { name: "bench", main, compatibility_date, compatibility_flags, durable_objects, exports };
  await writeFile(join(folder, "wrangler.json"), JSON.stringify(config));
  await promisify(execFile)(
    process.execPath,
    [
      join(root, "node_modules/wrangler/wrangler-dist/cli.js"),
      "deploy",
      "--dry-run",
      "--config=wrangler.json",
      "--outdir=out",
    ],
    {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        CI: "1",
        WRANGLER_SEND_METRICS: "false",
        CLOUDFLARE_CF_FETCH_ENABLED: "false",
      },
    },
  );
  return {
    script: join(folder, "out/worker.js"),
    compatibilityDate: compatibility_date,
    compatibilityFlags: compatibility_flags,
    objects: durable_objects.bindings.map(({ name, class_name }) => ({ binding: name, className: class_name })),
    close: () => rm(folder, { recursive: true }),
  };
}

/** What wrangler, whose own type of it is unfinished, makes of wrangler.jsonc. */
interface GatewayConfig {
  readonly main: string;
  readonly compatibility_date: string;
  readonly compatibility_flags: readonly string[];
  readonly durable_objects: { readonly bindings: readonly { readonly name: string; readonly class_name: string }[] };
  readonly exports: unknown;
}

/** Runs a bundle in a bare workerd on a free port, with storage of its own that goes away with it. */
export async function startWorkerd(bundle: Bundle, variables: Readonly<Record<string, string>>): Promise<Workerd> {
  const folder = await mkdtemp(join(tmpdir(), "blazecraft-workerd-"));
  const storage = join(folder, "objects");
  const config = join(folder, "workerd.capnp");
  await mkdir(storage);
  await writeFile(config, describeWorkerd(bundle, { variables, storage }), { mode: 0o600 });
  const program = await startProgram({
    argv: [workerdPath, "serve", "--import-path=/", "--control-fd=3", config],
    readyFd: 3,
    ready: (line) => {
      const said = JSON.parse(line) as { event: string; port: number };
      return said.event === "listen" ? said.port : undefined;
    },
    stopSignal: "SIGTERM",
  });
  return {
    url: `http://127.0.0.1:${program.ready}`,
    pid: program.pid,
    async close() {
      await program.close();
      await rm(folder, { recursive: true });
    },
  };
}

interface Surroundings {
  readonly variables: Readonly<Record<string, string>>;
  readonly storage: string;
}

function describeWorkerd(bundle: Bundle, { variables, storage }: Surroundings): string {
  const text = JSON.stringify;
  const bindings = [
    ...bundle.objects.map(
      ({ binding, className }) => `(name = ${text(binding)}, durableObjectNamespace = ${text(className)})`,
    ),
    ...Object.entries(variables).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
  ];
  const namespaces = bundle.objects.map(
    ({ className }) => `(className = ${text(className)}, uniqueKey = ${text(className)}, enableSql = true)`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "gateway", worker = .gateway),
    (name = "storage", disk = (path = ${text(storage)}, writable = true)),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "gateway")],
);
const gateway :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed ${text(bundle.script)})],
  compatibilityDate = ${text(bundle.compatibilityDate)},
  compatibilityFlags = [${bundle.compatibilityFlags.map((flag) => text(flag)).join(", ")}],
  bindings = [${bindings.join(", ")}],
  durableObjectNamespaces = [${namespaces.join(", ")}],
  durableObjectStorage = (localDisk = "storage"),
);
`;
}
