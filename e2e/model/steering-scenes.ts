import {
  asking,
  bash,
  bypass,
  decide,
  endAtResult,
  eventTypeOf,
  interrupt,
  promptAtResults,
  responseTo,
  type Scene,
  scene,
  userLine,
} from "./scene.ts";
import { answer, text, toolUse } from "./turn.ts";

const never = new Promise<never>(() => {});
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

/** Scenes in which people answer, stop and tell the agent something. */
export const steeringScenes: Readonly<Record<string, () => Scene>> = {
  "ask-allowed": () => scene(touchTurns, { flags: asking, onLine: decide({ behavior: "allow" }) }),
  "ask-denied": () => scene(touchTurns, { flags: asking, onLine: decide({ behavior: "deny", message: "not now" }) }),
  "ask-edited": () =>
    scene(touchTurns, {
      flags: asking,
      onLine: decide({ behavior: "allow", updatedInput: { command: "touch other.txt", description: "Run a command" } }),
    }),
  "ask-rule": () =>
    scene([answer([bash("touch made.txt")]), answer([bash("touch made.txt")]), answer([text("Twice.")])], {
      flags: asking,
      onLine: decide({ behavior: "allow", updatedPermissions: [sessionRule("Bash", "touch made.txt")] }),
    }),
  "ask-cancelled": () =>
    scene(touchTurns, {
      flags: asking,
      onLine: (line, claude) => {
        if (line.type === "control_request") claude.send(interrupt);
        endAtResult(line, claude);
      },
    }),
  "permission-denied": () => scene(touchTurns, { flags: ["--permission-mode", "default"] }),
  question: () =>
    scene([answer([toolUse("AskUserQuestion", { questions: [colorQuestion] })]), answer([text("Blue it is.")])], {
      onLine: decide({
        behavior: "allow",
        updatedInput: { questions: [colorQuestion], answers: { [colorQuestion.question]: "Blue" } },
      }),
    }),
  "plan-approved": () =>
    scene([answer([toolUse("ExitPlanMode", { plan: "# Plan\n\nSay it." })]), answer([text("Said.")])], {
      flags: ["--permission-prompt-tool", "stdio", "--permission-mode", "plan"],
      onLine: decide({ behavior: "allow" }),
    }),
  "mode-changed": () =>
    scene([answer([bash("echo hi")]), answer([text("Hi.")])], {
      flags: asking,
      opening: [modeRequest("mode-1", "plan"), modeRequest("mode-2", "acceptEdits"), modeRequest("mode-3", "no such")],
    }),
  "interrupted-text": () => {
    const disturbance = { kind: "hold", afterEvents: 5, until: never } as const;
    return scene([answer([text("one two three")], { disturbance })], {
      onLine: (line, claude) => {
        if (JSON.stringify(line).includes('"text":"two "')) claude.send(interrupt);
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
  "interrupted-and-told": () => {
    const prompting = promptAtResults(["Rather say hello."]);
    let isInterrupted = false;
    return scene([answer([bash("touch started; tail -f /dev/null")]), answer([text("Hello.")])], {
      onLine: (line, claude) => {
        if (eventTypeOf(line) === "message_stop" && !isInterrupted) {
          isInterrupted = true;
          claude.send(interrupt);
        }
        prompting(line, claude);
      },
    });
  },
  "told-after-step": () =>
    scene([answer([bash("echo hi")]), answer([text("As you say.")])], {
      flags: bypass,
      opening: [
        {
          type: "control_request",
          request_id: "initialize-1",
          request: { subtype: "initialize", hooks: { PostToolBatch: [{ hookCallbackIds: ["step"] }] } },
        },
      ],
      onLine: (line, claude) => {
        if (line.type === "control_request") {
          claude.send(userLine("Say something else."));
          claude.send(responseTo(line, {}));
        }
        endAtResult(line, claude);
      },
    }),
};

function modeRequest(requestId: string, mode: string): object {
  return { type: "control_request", request_id: requestId, request: { subtype: "set_permission_mode", mode } };
}

function sessionRule(toolName: string, ruleContent: string): object {
  return { type: "addRules", rules: [{ toolName, ruleContent }], behavior: "allow", destination: "session" };
}
