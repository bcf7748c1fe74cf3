import type { AskQuestion } from "../executor.ts";
import type { JsonObject } from "../json-object.ts";
import { suggestedRules } from "./permission-rules.ts";

/** What a question takes from elsewhere than the request. */
export interface QuestionContext {
  readonly plan: string;
  readonly workspace: string;
}

/** What people are asked when Claude Code wants to use a tool; two tools are questions themselves. */
export function toolQuestion(request: JsonObject, { plan, workspace }: QuestionContext): AskQuestion {
  const tool = request.text("tool_name");
  const input = request.object("input");
  if (tool === planTool) return { case: "plan", value: { plan } };
  const questions = tool === questionTool ? input.objects("questions") : [];
  if (questions.length > 0) return { case: "questions", value: { questions: questions.map(question) } };
  return {
    case: "permission",
    value: {
      toolCallId: request.text("tool_use_id"),
      tool,
      inputJson: JSON.stringify(input),
      reason: request.text("decision_reason") || request.text("description"),
      suggestedRules: suggestedRules(request),
      workspace,
    },
  };
}

/** The tool by which Claude Code shows its plan. */
export const planTool = "ExitPlanMode";

const questionTool = "AskUserQuestion";

function question(asked: JsonObject) {
  return {
    text: asked.text("question"),
    header: asked.text("header"),
    choices: asked.objects("options").map((option) => ({
      label: option.text("label"),
      description: option.text("description"),
    })),
    multiple: asked.flag("multiSelect"),
  };
}
