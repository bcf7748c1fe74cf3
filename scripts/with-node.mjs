// Runs a script of this repository: `node scripts/with-node.mjs <script> [arguments]`. It installs what is missing and
// hands over to the Node it installed, so it is itself plain JavaScript for Node 18 and later.
//
// Signals: a SIGINT from the terminal reaches the script by itself, any other is handed on. Whoever signals the whole
// process group reaches the script twice; a script that counts signals takes those within half a second for one.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { isInstalled, isNewEnough, systemPath } from "./node-setup.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = join(root, "node_modules", ".bin");
const pathOutside = systemPath(process.env.PATH ?? "");

/** Nothing that is started here reports home or looks for updates of itself. */
const environment = {
  ...process.env,
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  DO_NOT_TRACK: "1",
  NO_UPDATE_NOTIFIER: "1",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_SEND_METRICS: "false",
};

const [script = "", ...args] = process.argv.slice(2);
if (!isUpToDate()) await install();
endAs(
  await ending(
    spawn(findNode(), [resolve(root, script), ...args], {
      env: { ...environment, PATH: bin + delimiter + pathOutside },
      stdio: "inherit",
    }),
  ),
);

function isUpToDate() {
  const installed = join(root, "node_modules", ".package-lock.json");
  return existsSync(installed) && isInstalled(readJson(join(root, "package-lock.json")), readJson(installed));
}

/** The system's npm runs it, because it replaces the Node in node_modules. */
async function install() {
  console.error("Installing packages into node_modules (npm ci), about a minute ...");
  const npm = spawn("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    env: { ...environment, PATH: pathOutside },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [npm.stdout, npm.stderr]) stream.setEncoding("utf8").on("data", (text) => (output += text));
  const end = await ending(npm);
  if (end.exitCode === 0) return;
  console.error(`${output}The packages could not be installed.`);
  endAs(end);
}

/** The Node that came with the packages where there is one for this machine, else the one this runs on. */
function findNode() {
  const range = readJson(join(root, "package.json")).engines.node;
  const own = join(bin, "node");
  if (existsSync(own) && isNewEnough(spawnSync(own, ["--version"], { encoding: "utf8" }).stdout, range)) return own;
  if (isNewEnough(process.version, range)) return process.execPath;
  console.error(`Node ${range} is needed and this is ${process.version}: install Node 24 from https://nodejs.org.`);
  process.exit(1);
}

/**
 * How the child ends. Until then signals are its own to act on.
 *
 * @typedef {{ exitCode: number | null, signal: NodeJS.Signals | null }} End
 * @param {import("node:child_process").ChildProcess} child
 * @returns {Promise<End>}
 */
async function ending(child) {
  const isTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  process.on("SIGINT", () => isTerminal || child.kill("SIGINT"));
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  try {
    return await new Promise((settle, reject) => {
      child.on("error", reject);
      child.on("close", (exitCode, signal) => settle({ exitCode, signal }));
    });
  } finally {
    process.removeAllListeners("SIGINT").removeAllListeners("SIGTERM");
  }
}

/**
 * Ends this process the way the child ended.
 *
 * @param {End} end
 */
function endAs({ exitCode, signal }) {
  if (signal) process.kill(process.pid, signal);
  process.exit(exitCode ?? 1);
}

/** @param {string} path */
function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}
