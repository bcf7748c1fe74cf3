/** Which verdicts a question takes. Pure. */
import type { Allow, Answers, Ask, Decision, Question } from "#gen/job/v1/ask_pb.js";
import type { ProblemInit } from "#protocol/problem.ts";
import { wrongVerdict } from "./ask-refusals.ts";

/** Why this question does not take this verdict; undefined when it does. */
export function refuseVerdict(question: Ask["question"], verdict: Decision["verdict"]): ProblemInit | undefined {
  // No is an answer to everything.
  if (verdict.case === "deny") return undefined;
  switch (question.case) {
    case "permission":
      return verdict.case === "allow"
        ? refuseInput(verdict.value)
        : otherKind(verdict, "a permission", "allow or deny");
    case "plan":
      return verdict.case === "allow" ? refuseExtras(verdict.value) : otherKind(verdict, "a plan", "allow or deny");
    case "questions":
      return verdict.case === "answers"
        ? refuseAnswers(question.value.questions, verdict.value)
        : otherKind(verdict, "questions", "answers or deny");
    case "budget":
      return verdict.case === "raiseBudget"
        ? refuseRaise(question.value.spentMicros, verdict.value.limitMicros)
        : otherKind(verdict, "a budget", "raise_budget or deny");
    case undefined:
      return otherKind(verdict, "something that this gateway does not know", "deny");
  }
}

function otherKind({ case: kind }: Decision["verdict"], about: string, takes: string): ProblemInit {
  const field = fields[kind ?? "allow"];
  return wrongVerdict(field, `the ask is about ${about}, which takes ${takes}`, `Send ${takes} as the verdict.`);
}

const fields = { allow: "allow", deny: "deny", answers: "answers", raiseBudget: "raise_budget" } as const;

function refuseInput({ inputJson }: Allow): ProblemInit | undefined {
  if (inputJson === "" || isJsonObject(inputJson)) return undefined;
  return wrongVerdict("allow.input_json", "input_json is not a JSON object", "Send the tool's whole input as JSON.");
}

function refuseExtras({ rule, inputJson }: Allow): ProblemInit | undefined {
  const field = rule !== "" ? "rule" : "input_json";
  if (rule === "" && inputJson === "") return undefined;
  return wrongVerdict(
    `allow.${field}`,
    `a plan has no ${field}`,
    "Allow the plan as it is, or deny it with a message.",
  );
}

function refuseAnswers(questions: readonly Question[], { answers }: Answers): ProblemInit | undefined {
  if (answers.length !== questions.length) {
    const message = `${answers.length} answers came to ${questions.length} questions`;
    return wrongVerdict("answers.answers", message, "Answer every question, in order.");
  }
  const at = questions.findIndex((question, index) => !suits(question, answers[index]?.values ?? []));
  if (at === -1) return undefined;
  return wrongVerdict(
    `answers.answers[${at}].values`,
    `question ${at + 1} takes ${questions[at]?.multiple ? "several of its choices, or" : "one of its choices or"} one text`,
    "Send labels of its choices, or one text of your own.",
  );
}

/** One text is always an answer; several are when each is a choice and several may be taken. */
function suits({ choices, multiple }: Question, values: readonly string[]): boolean {
  if (values.length === 1) return true;
  const labels = new Set(choices.map(({ label }) => label));
  return multiple && new Set(values).size === values.length && values.every((value) => labels.has(value));
}

function refuseRaise(spentMicros: bigint, limitMicros: bigint): ProblemInit | undefined {
  if (limitMicros > spentMicros) return undefined;
  return wrongVerdict(
    "raise_budget.limit_micros",
    `the new limit of ${limitMicros} is not above the ${spentMicros} that are spent`,
    "Send a limit above what is spent, or deny to end the job.",
  );
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    // What cannot be parsed is none.
    return false;
  }
}
