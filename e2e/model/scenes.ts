import type { Claude, Line } from "./drive-claude.ts";
import { inOrder, type Script } from "./script.ts";
import { scripts } from "./scripts.ts";
import { answer, type Block, overloaded, type Turn, text, toolUse } from "./turn.ts";

/** A run of the CLI whose lines are worth keeping. */
export interface Scene {
  readonly script: Script | readonly Turn[];
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly onLine: (line: Line, claude: Claude) => void;
}

const bypass = ["--permission-prompt-tool", "stdio", "--permission-mode", "bypassPermissions"];
const asking = ["--permission-prompt-tool", "stdio", "--permission-mode", "default"];
const nobodyToAsk = ["--permission-mode", "default"];

/** The files that every scene finds in its workspace. */
export const workspaceFiles = { "notes.txt": "one\ntwo\nthree\n" };

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
  "ask-allowed": () => scene(touchTurns, { flags: asking, onLine: decide({ behavior: "allow" }) }),
  "ask-denied": () => scene(touchTurns, { flags: asking, onLine: decide({ behavior: "deny", message: "not now" }) }),
  "ask-cancelled": () =>
    scene(touchTurns, {
      flags: asking,
      onLine: (line, claude) => {
        if (line.type === "control_request") claude.send(interrupt);
        endAtResult(line, claude);
      },
    }),
  question: () =>
    scene([answer([toolUse("AskUserQuestion", { questions: [colorQuestion] })]), answer([text("Blue it is.")])], {
      onLine: decide({
        behavior: "allow",
        updatedInput: { questions: [colorQuestion], answers: { [colorQuestion.question]: "Blue" } },
      }),
    }),
  "permission-denied": () => scene(touchTurns, { flags: nobodyToAsk }),
  "interrupted-text": () => {
    const disturbance = { kind: "hold", afterEvents: 5, until: never } as const;
    return scene([answer([text("one two three")], { disturbance })], {
      onLine: (line, claude) => {
        if (deltaOf(line) === "two ") claude.send(interrupt);
        endAtResult(line, claude);
      },
    });
  },
  "interrupted-tool": () =>
    scene([answer([bash("touch started; tail -f /dev/null")])], {
      onLine: (line, claude) => {
        if (eventTypeOf(line) === "message_stop") claude.send(interrupt);
        endAtResult(line, claude);
      },
    }),
  compaction: () => scene(scripts.hello, { onLine: promptAtResults([{ content: "/compact" }]) }),
  "two-prompts": () =>
    scene([answer([text("First answer.")]), answer([text("Second answer.")])], {
      onLine: promptAtResults([{ content: "And then?" }]),
    }),
  "background-task": () =>
    scene([
      answer([toolUse("Bash", { command: "echo hi", description: "Run a command", run_in_background: true })]),
      answer([text("It runs.")]),
      answer([text("It ran.")]),
    ]),
  "max-turns": () => scene(scripts.parallel, { flags: [...bypass, "--max-turns", "1"] }),
  "budget-exhausted": () => scene(scripts.parallel, { flags: [...bypass, "--max-budget-usd", "0.001"] }),
};

const never = new Promise<never>(() => {});
const interrupt = { type: "control_request", request_id: "interrupt-1", request: { subtype: "interrupt" } };
const touchTurns = [answer([text("I will make a file."), bash("touch made.txt")]), answer([text("That was that.")])];
const colorQuestion = {
  question: "Which color?",
  header: "Color",
  multiSelect: false,
  options: [
    { label: "Red", description: "like a fire" },
    { label: "Blue", description: "like the sky" },
  ],
};

function scene(script: Scene["script"], chosen: Partial<Omit<Scene, "script">> = {}): Scene {
  return { script, flags: bypass, environment: {}, onLine: endAtResult, ...chosen };
}

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

function endAtResult(line: Line, claude: Claude): void {
  if (line.type === "result") claude.end();
}

function decide(decision: object): Scene["onLine"] {
  return (line, claude) => {
    if (line.type === "control_request") {
      const response = { subtype: "success", request_id: line.request_id, response: decision };
      claude.send({ type: "control_response", response });
    }
    endAtResult(line, claude);
  };
}

function promptAtResults(prompts: { content: string }[]): Scene["onLine"] {
  return (line, claude) => {
    if (line.type !== "result") return;
    const next = prompts.shift();
    if (next) claude.send({ type: "user", message: { role: "user", ...next } });
    else claude.end();
  };
}

function deltaOf(line: Line): string | undefined {
  const { event } = line as { event?: { delta?: { text?: string; partial_json?: string } } };
  return event?.delta?.text ?? event?.delta?.partial_json;
}

function eventTypeOf(line: Line): string | undefined {
  return (line as { event?: { type?: string } }).event?.type;
}

function bash(command: string): Block {
  return toolUse("Bash", { command, description: "Run a command" });
}

function task(name: string, input: object): Block {
  return toolUse(name, input);
}
