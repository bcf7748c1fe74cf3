import type { Allow, Answers, Decision, Deny } from "#gen/job/v1/ask_pb.js";
import type { AskQuestion } from "../executor.ts";
import { type JsonObject, parseJsonObject } from "../json-object.ts";
import { parseRule } from "./permission-rules.ts";

/** What Claude Code is told about a tool that it asked for. */
export type ToolAnswer =
  | { readonly behavior: "allow"; readonly updatedInput?: object; readonly updatedPermissions?: readonly object[] }
  | { readonly behavior: "deny"; readonly message: string };

/** A decision as Claude Code takes it. One of a kind that does not fit the question allows nothing. */
export function toolAnswer(request: JsonObject, question: AskQuestion, decision: Decision): ToolAnswer {
  const { verdict } = decision;
  if (verdict.case === "deny") return denied(verdict.value, decision);
  if (question.case === "questions") {
    return verdict.case === "answers" ? answered(request, question, verdict.value) : unfit;
  }
  return verdict.case === "allow" ? allowed(verdict.value) : unfit;
}

const unfit: ToolAnswer = { behavior: "deny", message: "Denied: the decision does not answer the question." };

function denied({ message }: Deny, { actor }: Decision): ToolAnswer {
  const byWhom = actor === undefined || actor.id === "" ? "" : ` by ${actor.id}`;
  return { behavior: "deny", message: message || `Denied${byWhom}.` };
}

function allowed({ rule, inputJson }: Allow): ToolAnswer {
  const input = inputJson === "" ? undefined : parseJsonObject(inputJson);
  if (input === undefined && inputJson !== "")
    return { behavior: "deny", message: "Denied: the new input is no JSON." };
  return {
    behavior: "allow",
    ...(input && { updatedInput: input.fields }),
    ...(rule === "" ? {} : { updatedPermissions: [sessionRule(rule)] }),
  };
}

function sessionRule(rule: string): object {
  return { type: "addRules", rules: [parseRule(rule)], behavior: "allow", destination: "session" };
}

/** Answers are given by the text of their question, several choices in one text. */
function answered(request: JsonObject, { value }: AskQuestion & { case: "questions" }, given: Answers): ToolAnswer {
  const asked = value.questions ?? [];
  const answers = asked.map(({ text = "" }, index) => [text, given.answers[index]?.values.join(", ") ?? ""] as const);
  return {
    behavior: "allow",
    updatedInput: { ...request.object("input").fields, answers: Object.fromEntries(answers) },
  };
}
