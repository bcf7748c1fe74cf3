import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { DecisionSchema } from "#gen/job/v1/ask_pb.js";
import { ActorKind } from "#gen/job/v1/job_pb.js";
import { JsonObject } from "../json-object.ts";
import { parseRule, suggestedRules } from "./permission-rules.ts";
import { toolAnswer } from "./tool-answer.ts";
import { toolQuestion } from "./tool-question.ts";

type Verdict = NonNullable<MessageInitShape<typeof DecisionSchema>["verdict"]>;

const bash = new JsonObject({ tool_name: "Bash", input: { command: "ls" } });
const form = new JsonObject({
  tool_name: "AskUserQuestion",
  input: { questions: [{ question: "Which?", options: [] }, { question: "Why?" }], metadata: { kept: true } },
});

function decide(request: JsonObject, verdict: Verdict) {
  const question = toolQuestion(request, { plan: "", workspace: "/workspace" });
  const actor = { kind: ActorKind.CALLER, id: "ana" };
  return toolAnswer(request, question, create(DecisionSchema, { actor, verdict }));
}

test("a tool is allowed as it is, with another input, or with a rule", () => {
  expect(decide(bash, { case: "allow", value: {} })).toEqual({ behavior: "allow" });
  const inputJson = '{"command":"pwd"}';
  expect(decide(bash, { case: "allow", value: { inputJson, rule: "Bash(npm test *)" } })).toEqual({
    behavior: "allow",
    updatedInput: { command: "pwd" },
    updatedPermissions: [
      {
        type: "addRules",
        rules: [{ toolName: "Bash", ruleContent: "npm test *" }],
        behavior: "allow",
        destination: "session",
      },
    ],
  });
});

test("a denial says what it was given to say, or who denied", () => {
  expect(decide(bash, { case: "deny", value: { message: "no" } })).toEqual({ behavior: "deny", message: "no" });
  expect(decide(bash, { case: "deny", value: {} })).toEqual({ behavior: "deny", message: "Denied by ana." });
});

test("answers are given by the text of their question, beside what was asked", () => {
  const answers = [{ values: ["This", "That"] }, { values: ["Because."] }];
  expect(decide(form, { case: "answers", value: { answers } })).toEqual({
    behavior: "allow",
    updatedInput: { ...form.object("input").fields, answers: { "Which?": "This, That", "Why?": "Because." } },
  });
});

test.each([
  ["answers for a permission", bash, { case: "answers", value: { answers: [] } }],
  ["consent without answers", form, { case: "allow", value: {} }],
  ["an input that is no object", bash, { case: "allow", value: { inputJson: "[1]" } }],
] satisfies [string, JsonObject, Verdict][])("%s allows nothing", (_, request, verdict) => {
  expect(decide(request, verdict)).toMatchObject({ behavior: "deny" });
});

test.each([
  ["Bash", { toolName: "Bash" }],
  ["Bash(npm test *)", { toolName: "Bash", ruleContent: "npm test *" }],
  ["Bash(echo (a) b)", { toolName: "Bash", ruleContent: "echo (a) b" }],
  ["mcp__files__read", { toolName: "mcp__files__read" }],
])("the rule %s is read", (rule, parsed) => {
  expect(parseRule(rule)).toEqual(parsed);
});

test("rules are suggested as the program suggests them, else one for the whole tool", () => {
  const rules = [
    { toolName: "Read", ruleContent: "//tmp/**" },
    { toolName: "Bash", ruleContent: "npm test *" },
  ];
  const permission_suggestions = [
    { type: "addRules", behavior: "allow", rules },
    { type: "addRules", behavior: "deny", rules: [{ toolName: "Write" }] },
    { type: "setMode", mode: "acceptEdits" },
  ];
  expect(suggestedRules(new JsonObject({ tool_name: "Bash", permission_suggestions }))).toEqual([
    ...["Read(//tmp/**)", "Bash(npm test *)"],
  ]);
  expect(suggestedRules(new JsonObject({ tool_name: "Write" }))).toEqual(["Write"]);
});
