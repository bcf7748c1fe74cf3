import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { driveClaude } from "./drive-claude.ts";
import { startModel } from "./model.ts";
import { type Scene, workspaceFiles } from "./scene.ts";
import { scenes } from "./scenes.ts";
import { scrub, scrubbedSessionId as sessionId } from "./scrub.ts";

const corpus = join(import.meta.dirname, "../../runner/src/executor/claude/corpus");

const named = process.argv.slice(2);
await mkdir(corpus, { recursive: true });
for (const [name, makeScene] of Object.entries(scenes)) {
  if (named.length > 0 && !named.includes(name)) continue;
  const { lines, exitCode } = await record(makeScene());
  await writeFile(join(corpus, `${name}.ndjson`), lines.map((line) => `${line}\n`).join(""));
  console.log(`${name}: ${lines.length} lines, exit code ${exitCode}`);
}

/** Play one scene with the real CLI. */
async function record(scene: Scene): Promise<{ lines: string[]; exitCode: number | null }> {
  const { script, files, ...played } = scene;
  const model = await startModel({ script });
  try {
    const prompt = "Do what the script says.";
    const start = { modelUrl: model.url, sessionId, prompt, files: { ...workspaceFiles, ...files } };
    const driven = await driveClaude({ ...start, ...played });
    return { lines: scrub(driven), exitCode: driven.exitCode };
  } finally {
    await model.close();
  }
}
