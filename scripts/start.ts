// `npm start`: builds the web client, starts runner and gateway on this machine, checks them, and keeps them up.
// `npm start -- --once` ends after the checks, with exit code 0 if all passed.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { execa } from "execa";
import { StartFailure } from "./start/failure.ts";
import { listenForInterrupts } from "./start/interrupts.ts";
import { openScreen } from "./start/screen.ts";
import { parseSettings } from "./start/settings.ts";
import { runSystem } from "./start/system.ts";

const root = join(import.meta.dirname, "..");
const interrupts = listenForInterrupts();
const screen = openScreen();

try {
  const variables = { ...readDotEnv(), ...process.env };
  const settings = parseSettings(process.argv.slice(2), variables, root);
  await requireGit();
  process.exitCode = await runSystem({ root, settings, environment: process.env, interrupts, screen });
} catch (error) {
  if (!(error instanceof StartFailure)) throw error;
  screen.failed(error.message);
  process.exitCode = 1;
}
// What was killed may not have let go of everything yet.
process.exit();

function readDotEnv(): NodeJS.Dict<string> {
  const path = join(root, ".env");
  return existsSync(path) ? parseEnv(readFileSync(path, "utf8")) : {};
}

/** Jobs on a repository need it, and fail late without. */
async function requireGit(): Promise<void> {
  const git = await execa("git", ["--version"], { reject: false });
  if (git.failed)
    throw new StartFailure("git is needed and was not found: install it (apt install git, xcode-select --install)");
}
