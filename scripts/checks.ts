import { existsSync, globSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { findWrongImports } from "./import-direction.ts";
import { findOverweight, weighPage } from "./page-budget.ts";
import { type Check, root, runCommand, type Verdict } from "./run-checks.ts";
import { StartFailure } from "./start/failure.ts";
import { buildWebClient } from "./start/web-client.ts";

/** Everything `npm run check` looks at, the slowest first. */
export function listChecks(): readonly Check[] {
  return [
    { name: "biome", run: () => runCommand("biome", ["ci", "--error-on-warnings", "--colors=off", "."]) },
    ...globSync("*/tsconfig.json", { cwd: root }).map((path) => ({
      name: `tsc ${dirname(path)}`,
      run: () => checkTypes(dirname(path)),
    })),
    { name: "wrangler types", run: checkRuntimeTypes },
    { name: "generated code", run: checkGeneratedCode },
    { name: "buf lint", run: () => runCommand("buf", ["lint"]) },
    { name: "buf format", run: () => runCommand("buf", ["format", "--diff", "--exit-code", "proto"]) },
    { name: "buf breaking", run: checkBreakingChanges },
    { name: "import direction", run: checkImportDirection },
    { name: "systemd units", run: checkSystemdUnits },
    { name: "page budget", run: checkPageBudget },
  ];
}

async function checkTypes(folder: string): Promise<Verdict> {
  const sources = globSync(`${folder}/**/*.{ts,tsx}`, { cwd: root });
  return sources.length > 0
    ? runCommand("tsc", ["--project", folder])
    : { kind: "skipped", reason: "it has no source" };
}

/** Compares gateway/worker-configuration.d.ts with the workerd and the compatibility date it was generated for. */
async function checkRuntimeTypes(): Promise<Verdict> {
  if (!existsSync(join(root, "gateway/wrangler.jsonc"))) return { kind: "skipped", reason: "there is no gateway" };
  return runCommand("wrangler", ["types", "--check", "--cwd", "gateway"]);
}

/** Generates anew beside gen/ and compares. */
async function checkGeneratedCode(): Promise<Verdict> {
  const folder = await mkdtemp(join(tmpdir(), "generated-"));
  try {
    const generated = await runCommand("buf", ["generate", "--output", folder]);
    return generated.kind === "passed" ? await runCommand("diff", ["-r", "gen", join(folder, "gen")]) : generated;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function checkBreakingChanges(): Promise<Verdict> {
  const baseline = "proto/baseline.binpb";
  if (!existsSync(join(root, baseline))) return { kind: "skipped", reason: `there is no ${baseline}` };
  return runCommand("buf", ["breaking", "proto", "--against", baseline]);
}

async function checkImportDirection(): Promise<Verdict> {
  const paths = globSync("{gateway,runner,web-client,cli,protocol}/**/*.{ts,tsx}", { cwd: root });
  const sources = await Promise.all(
    paths.map(async (path) => [path, await readFile(join(root, path), "utf8")] as const),
  );
  const wrong = findWrongImports(new Map(sources));
  return wrong.length > 0 ? { kind: "failed", output: wrong.join("\n") } : { kind: "passed" };
}

/** The exposure systemd computes for a unit must stay at 3.5 of 10 or below. */
async function checkSystemdUnits(): Promise<Verdict> {
  const units = globSync("deploy/*.service", { cwd: root });
  if (units.length === 0) return { kind: "skipped", reason: "there is no unit in deploy/" };
  const { failed } = await execa("systemd-analyze", ["--version"], { reject: false });
  if (failed) return { kind: "skipped", reason: "this system has no systemd-analyze" };
  return runCommand("systemd-analyze", ["security", "--offline=true", "--threshold=35", ...units]);
}

/** Builds the page and weighs it as a browser gets it. */
async function checkPageBudget(): Promise<Verdict> {
  try {
    await buildWebClient(root);
  } catch (error) {
    if (!(error instanceof StartFailure)) throw error;
    return { kind: "failed", output: error.message };
  }
  const overweight = findOverweight(await weighPage(join(root, "web-client/dist")));
  return overweight.length > 0 ? { kind: "failed", output: overweight.join("\n") } : { kind: "passed" };
}
