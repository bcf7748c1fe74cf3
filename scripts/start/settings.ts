import { resolve } from "node:path";
import { StartFailure } from "./failure.ts";

/** What `npm start` was asked to do. */
export interface StartSettings {
  readonly runnerPort: number;
  readonly gatewayPort: number;
  /** For buf curl and grpcurl. Unless it was asked for by name, another may take its place. */
  readonly grpc: { readonly port: number; readonly mayMove: boolean };
  /** Absolute. */
  readonly stateFolder: string;
  /** Undefined: whatever this machine allows. */
  readonly isolation: string | undefined;
  /** End after the checklist. */
  readonly once: boolean;
}

/** Variables by name: those of the environment win over those of the .env file. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Reads arguments and variables. Throws one StartFailure that names everything wrong. */
export function parseSettings(args: readonly string[], variables: Variables, root: string): StartSettings {
  const wrong = args.filter((arg) => arg !== "--once").map((arg) => `unknown argument "${arg}" (there is --once)`);
  /** An empty value means unset, as in a copied .env.example. */
  function readPort(name: string, otherwise: number): number {
    const text = variables[name] || String(otherwise);
    const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if (port < 1 || port > 65_535) wrong.push(`${name} is "${text}", which is no port from 1 to 65535`);
    return port;
  }
  const settings: StartSettings = {
    runnerPort: readPort("PORT", 8787),
    gatewayPort: readPort("GATEWAY_PORT", 8788),
    grpc: { port: readPort("GRPC_PORT", 8789), mayMove: !variables.GRPC_PORT },
    stateFolder: resolve(root, variables.BLAZECRAFT_STATE_DIR || ".blazecraft"),
    isolation: variables.ISOLATION || undefined,
    once: args.includes("--once"),
  };
  if (settings.runnerPort === settings.gatewayPort) wrong.push(`PORT and GATEWAY_PORT are both ${settings.runnerPort}`);
  if (wrong.length > 0) throw new StartFailure(wrong.join("; "));
  return settings;
}
