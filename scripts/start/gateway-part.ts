import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openLogFile } from "./log-file.ts";
import type { PartSpec } from "./part.ts";
import type { StartSettings, Variables } from "./settings.ts";
import type { StateFolder } from "./state-folder.ts";

interface GatewayPlan {
  readonly root: string;
  readonly state: StateFolder;
  readonly settings: StartSettings;
  readonly environment: Variables;
  /** More variables of its own; they win over those that it is given anyway. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Folder of the pages it serves, in place of the web client's. */
  readonly pages?: string;
}

/** The gateway as `npm start` runs it: workerd, by `wrangler dev`, which asks and reports nothing over the network. */
export async function describeGateway(plan: GatewayPlan): Promise<PartSpec> {
  const { root, state, settings, environment } = plan;
  const variables = {
    RUNNER_SECRET: state.secret,
    RUNNER_URL: `http://127.0.0.1:${settings.runnerPort}`,
    LOCAL_DEV: "1",
    ...plan.variables,
  };
  const lines = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(state.gatewayVariables, lines.join(""), { mode: 0o600 });
  return {
    name: "gateway",
    command: {
      args: [process.execPath, ...wranglerDev(plan)],
      cwd: join(root, "gateway"),
      env: wranglerEnvironment(state, environment),
    },
    healthUrl: `http://127.0.0.1:${settings.gatewayPort}/api/health`,
    startMs: 60_000,
    stopSignal: "SIGTERM",
    log: openLogFile(join(state.logs, "gateway.log")),
    // wrangler starts another workerd, but the one in front of it then holds every request for good.
    findFault: (line) => (line.includes("Workers runtime crashed") ? "lost its workerd" : undefined),
  };
}

/** Without wrangler's own launcher, so that it is wrangler that a signal reaches. */
function wranglerDev({ root, state, settings, pages }: GatewayPlan): readonly string[] {
  return [
    "--no-warnings",
    join(root, "node_modules/wrangler/wrangler-dist/cli.js"),
    "dev",
    "--config=wrangler.jsonc",
    "--ip=127.0.0.1",
    `--port=${settings.gatewayPort}`,
    "--inspector-port=0",
    `--persist-to=${state.gatewayData}`,
    `--env-file=${state.gatewayVariables}`,
    "--show-interactive-dev-session=false",
    ...(pages === undefined ? [] : [`--assets=${pages}`]),
  ];
}

/** Of the caller's own variables only what a program needs to run: keys and tokens are not wrangler's business. */
function wranglerEnvironment(state: StateFolder, { PATH, HOME, TMPDIR, LANG }: Variables): NodeJS.ProcessEnv {
  return {
    ...{ PATH, HOME, TMPDIR, LANG },
    CI: "1",
    NO_COLOR: "1",
    DO_NOT_TRACK: "1",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_SEND_METRICS: "false",
    // The banner looks for a newer wrangler.
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_CACHE_DIR: join(state.wrangler, "cache"),
    WRANGLER_LOG_PATH: join(state.wrangler, "logs"),
    WRANGLER_REGISTRY_PATH: join(state.wrangler, "registry"),
    XDG_CONFIG_HOME: state.wrangler,
    // Pages under /cdn-cgi/ that show the databases to anybody who asks.
    X_LOCAL_EXPLORER: "false",
    X_LOCAL_OBSERVABILITY: "false",
  };
}
