import { join } from "node:path";
import { openLogFile } from "./log-file.ts";
import type { PartSpec } from "./part.ts";
import type { StartSettings, Variables } from "./settings.ts";
import type { StateFolder } from "./state-folder.ts";

interface RunnerPlan {
  readonly root: string;
  readonly state: StateFolder;
  readonly settings: StartSettings;
  readonly environment: Variables;
  readonly grpcPort: number;
  readonly isolation: string;
}

/** The runner as `npm start` runs it. It takes its other settings from the same environment and .env as on a VM. */
export function describeRunner({ root, state, settings, environment, grpcPort, isolation }: RunnerPlan): PartSpec {
  return {
    name: "runner",
    command: {
      args: [process.execPath, join(root, "runner/src/main.ts")],
      cwd: root,
      env: {
        ...environment,
        PATH: `${join(root, "node_modules/.bin")}:${environment.PATH ?? ""}`,
        HOST: "127.0.0.1",
        PORT: String(settings.runnerPort),
        GRPC_PORT: String(grpcPort),
        DATA_DIR: state.runnerData,
        GATEWAY_SECRET: state.secret,
        ISOLATION: isolation,
      },
    },
    healthUrl: `http://127.0.0.1:${settings.runnerPort}/health`,
    startMs: 60_000,
    // The one that ends its jobs too; SIGTERM would leave them to the next runner.
    stopSignal: "SIGINT",
    log: openLogFile(join(state.logs, "runner.log")),
  };
}
