import type { JsonObject } from "../json-object.ts";

/** A rule as Claude Code takes it: calls of a tool, or those whose input matches. */
export interface PermissionRule {
  readonly toolName: string;
  readonly ruleContent?: string;
}

/** Rules that Claude Code suggests for calls like the one it asks about; when it has none, one for the whole tool. */
export function suggestedRules(request: JsonObject): string[] {
  const suggested = request
    .objects("permission_suggestions")
    .filter((suggestion) => suggestion.text("type") === "addRules" && suggestion.text("behavior") === "allow")
    .flatMap((suggestion) => suggestion.objects("rules"))
    .map(formatRule);
  return suggested.length === 0 ? [request.text("tool_name")] : [...new Set(suggested)];
}

/** Reads a rule as people write it, such as "Bash(npm test *)". */
export function parseRule(rule: string): PermissionRule {
  const [, toolName, ruleContent] = /^([^(]+)\((.+)\)$/s.exec(rule) ?? [];
  return toolName === undefined || ruleContent === undefined ? { toolName: rule } : { toolName, ruleContent };
}

function formatRule(rule: JsonObject): string {
  const content = rule.text("ruleContent");
  return content === "" ? rule.text("toolName") : `${rule.text("toolName")}(${content})`;
}
