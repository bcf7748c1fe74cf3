import type { Line } from "./drive-claude.ts";
import { bash, bypass, endAtResult, promptAtResults, type Scene, scene } from "./scene.ts";
import { inOrder } from "./script.ts";
import { scripts } from "./scripts.ts";
import { steeringScenes } from "./steering-scenes.ts";
import { answer, type Block, overloaded, text, toolUse } from "./turn.ts";

/** A PNG of one pixel, in Base64. */
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const hookSettings = {
  hooks: { PreToolUse: [{ matcher: "Bash", hooks: [{ type: "command", command: "echo looked at" }] }] },
};

/** Each scene by the name of its corpus file; made anew for each run, as some hold a gate. */
export const scenes: Readonly<Record<string, () => Scene>> = {
  text: () => scene(scripts.hello),
  thinking: () => scene(scripts.thinking),
  tools: () =>
    scene([
      answer([text("I will look first."), toolUse("Read", { file_path: "notes.txt" })]),
      answer([toolUse("Edit", { file_path: "notes.txt", old_string: "two", new_string: "TWO" })]),
      answer([toolUse("Write", { file_path: "more.txt", content: "four\n" })]),
      answer([bash("cat notes.txt more.txt")]),
      answer([bash("echo out; echo err >&2; exit 3")]),
      answer([toolUse("Read", { file_path: "missing.txt" })]),
      answer([text("One file is **missing**.")]),
    ]),
  "parallel-tools": () => scene(scripts.parallel),
  "plan-todos": () =>
    scene(scripts.plan, { environment: { CLAUDE_CODE_ENABLE_TODO_TOOLS: "1", CLAUDE_CODE_ENABLE_TASKS: "0" } }),
  "plan-tasks": () =>
    scene(
      [
        answer([task("TaskCreate", { subject: "Read it", description: "Read it all", activeForm: "Reading" })]),
        answer([task("TaskCreate", { subject: "Mend it", description: "Mend it all", activeForm: "Mending" })]),
        answer([task("TaskUpdate", { taskId: "1", status: "in_progress" })]),
        answer([task("TaskUpdate", { taskId: "1", status: "completed" }), task("TaskList", {})]),
        answer([text("One of two is done.")]),
      ],
      { environment: { CLAUDE_CODE_ENABLE_TODO_TOOLS: "1" } },
    ),
  subagent: () => scene(inOrder(scripts.subagent), { flags: [...bypass, "--forward-subagent-text"] }),
  "rate-limited": () => scene(scripts["rate-limited"]),
  "api-error": () => scene([overloaded(), overloaded()], { environment: { CLAUDE_CODE_MAX_RETRIES: "1" } }),
  "cut-in-text": () => cut({ blocks: [text("one two three four")], afterEvents: 5, heard: "two " }),
  "cut-after-text": () =>
    cut({ blocks: [text("one two"), bash("echo hi")], afterEvents: 8, heard: '{"command":"echo ' }),
  garbled: () => {
    const disturbance = { kind: "garble", afterEvents: 5 } as const;
    return scene([answer([text("one two three")], { disturbance }), answer([text("whole this time")])]);
  },
  image: () =>
    scene([
      answer([bash(`echo ${pixel} | base64 -d > dot.png`)]),
      answer([toolUse("Read", { file_path: "dot.png" })]),
      answer([text("A dot.")]),
    ]),
  hooks: () =>
    scene([answer([bash("echo hi")]), answer([text("Hi.")])], {
      flags: [...bypass, "--setting-sources", "user,project", "--include-hook-events"],
      files: { ".claude/settings.json": JSON.stringify(hookSettings) },
    }),
  compaction: () => scene(scripts.hello, { onLine: promptAtResults(["/compact"]) }),
  "two-prompts": () =>
    scene([answer([text("First answer.")]), answer([text("Second answer.")])], {
      onLine: promptAtResults(["And then?"]),
    }),
  "background-task": () =>
    scene([
      answer([toolUse("Bash", { command: "echo hi", description: "Run a command", run_in_background: true })]),
      answer([text("It runs.")]),
      answer([text("It ran.")]),
    ]),
  "max-turns": () => scene(scripts.parallel, { flags: [...bypass, "--max-turns", "1"] }),
  "budget-exhausted": () => scene(scripts.parallel, { flags: [...bypass, "--max-budget-usd", "0.001"] }),
  ...steeringScenes,
};

/** The stream breaks as soon as the CLI has printed the delta that is `heard`. */
function cut({ blocks, afterEvents, heard }: { blocks: Block[]; afterEvents: number; heard: string }): Scene {
  const gate = Promise.withResolvers<void>();
  const broken = answer(blocks, { disturbance: { kind: "cut", afterEvents, until: gate.promise } });
  return scene([broken, answer([text("And the rest.")])], {
    onLine: (line, claude) => {
      if (deltaOf(line) === heard) gate.resolve();
      endAtResult(line, claude);
    },
  });
}

function deltaOf(line: Line): string | undefined {
  const { event } = line as { event?: { delta?: { text?: string; partial_json?: string } } };
  return event?.delta?.text ?? event?.delta?.partial_json;
}

function task(name: string, input: object): Block {
  return toolUse(name, input);
}
