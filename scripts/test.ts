// `npm test`: every check and every test, ending with a line `N passed, N failed`.
// `npm test -- <vitest arguments>` runs a subset of the tests, such as `npm test -- --project unit`.
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { listChecks } from "./checks.ts";
import { root, runChecks } from "./run-checks.ts";
import { installSystemTools } from "./system-tools.ts";
import { addTallies, countLine, type Tally, tallyReport, type VitestReport } from "./tally.ts";

const stillNeeded = await installSystemTools();
if (stillNeeded) {
  console.error(stillNeeded);
  process.exit(1);
}

const tally = addTallies([await runChecks(listChecks()), await runTests(process.argv.slice(2))]);
console.log(countLine(tally));
if (tally.failed > 0) process.exitCode = 1;

async function runTests(args: readonly string[]): Promise<Tally> {
  const folder = await mkdtemp(join(tmpdir(), "vitest-"));
  try {
    const report = join(folder, "report.json");
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
    const result = await execa("vitest", ["run", ...reporters, ...args], {
      cwd: root,
      preferLocal: true,
      reject: false,
      stdio: ["ignore", "inherit", "inherit"],
    });
    if (!existsSync(report)) return { passed: 0, failed: 1, skipped: 0 };
    return tallyReport(JSON.parse(await readFile(report, "utf8")) as VitestReport, result.exitCode ?? 1);
  } finally {
    await rm(folder, { recursive: true });
  }
}
