/**
 * A process whose only work is to start supervisors. Starting a process stops the starter's event loop for as long as its
 * memory takes to be mapped, so the runner, which grows, leaves it to this one, which does not. Ends with the runner.
 */
import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { compileCache } from "./compile-cache.ts";

const program = fileURLToPath(new URL("./main.ts", import.meta.url));
// Compiling once for all supervisors makes each start in a third of the time and half the memory.
const env = { NODE_COMPILE_CACHE: resolve(compileCache) };
// A supervisor keeps next to nothing, so it needs no large room for what is new; with a small one, it is a third smaller.
const nodeOptions = ["--max-semi-space-size=1"];
/** A Confinement as JSON, which the supervisors parse; and what is put before a supervisor to set its limits. */
const [confinement = "", ...limiting] = process.argv.slice(2);
const [starter = "", ...args] = [...limiting, process.execPath, ...nodeOptions, program, confinement];
const log = openSync("supervisors.log", "a", 0o600);

process.on("message", () => {
  // A session of its own: it outlives the runner, and Ctrl+C in the runner's terminal does not reach it.
  const supervisor = spawn(starter, args, {
    detached: true,
    stdio: ["ignore", log, log],
    env,
  });
  supervisor.once("exit", () => process.connected && process.send?.(supervisor.pid));
});
process.on("disconnect", () => process.exit(0));
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => undefined);
