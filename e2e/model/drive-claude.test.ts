import { afterEach, expect, test } from "vitest";
import { driveClaude, type Line } from "./drive-claude.ts";
import { type Model, startModel } from "./model.ts";
import { type Scene, workspaceFiles } from "./scene.ts";
import { scenes } from "./scenes.ts";
import { scrubbedSessionId } from "./scrub.ts";

let model: Model | undefined;
afterEach(() => model?.close());

async function play(scene: Scene): Promise<{ lines: Line[]; exitCode: number | null; playing: Model }> {
  const { script, files, ...played } = scene;
  const playing = await startModel({ script });
  model = playing;
  const drive = { modelUrl: playing.url, sessionId: scrubbedSessionId, prompt: "Go." };
  const { lines, exitCode } = await driveClaude({ ...drive, ...played, files: { ...workspaceFiles, ...files } });
  return { lines: lines.map((line) => JSON.parse(line)), exitCode, playing };
}

function threadsOf({ requests }: Model): (string | undefined)[] {
  return requests.map(({ call }) => call?.thread.kind);
}

test("the real CLI edits a file as the script says, and counts the tokens that were served", async () => {
  const { lines, exitCode, playing } = await play(scene("tools"));
  expect(exitCode).toBe(0);
  expect(lines.at(-1)).toMatchObject({ result: "One file is **missing**.", usage: { output_tokens: 700 } });
  const served = playing.requests.reduce((sum, request) => sum + (request.served?.usage.outputTokens ?? 0), 0);
  expect(served).toBe(700);
  const results = playing.requests.flatMap(({ call }) => call?.toolResults ?? []);
  expect(results.map(({ content }) => content)).toContain("one\nTWO\nthree\nfour");
});

test("a sub-agent of the real CLI plays the turns for sub-agents", async () => {
  const { lines, playing } = await play(scene("subagent"));
  expect(lines.at(-1)).toMatchObject({ result: "The scout is back." });
  expect(threadsOf(playing)).toEqual(["main", "subagent", "subagent", "main"]);
});

test("a compaction by the real CLI takes no turn of the script", async () => {
  const { lines, playing } = await play(scene("compaction"));
  expect(lines.map((line) => line.subtype)).toContain("compact_boundary");
  expect(threadsOf(playing)).toEqual(["main", "compaction"]);
});

function scene(name: string): Scene {
  const makeScene = scenes[name];
  if (makeScene === undefined) throw new Error(`no scene ${name}`);
  return makeScene();
}
