import type { Severity } from "../log-row.ts";

const error =
  /\b(?:ERROR|FATAL|PANIC|CRITICAL|SEVERE|FAILED)\b|^\W{0,3}(?:error|fatal|panic|fail)\b|\b(?:[A-Za-z]*[eE]rror|[A-Za-z]*Exception|panic|fatal)(?:\[\w+\])?:|^Traceback \(most recent|\bnpm ERR!|^(?:::|##\[)error\b/;
const warning = /\b(?:WARN|WARNING)\b|^\W{0,3}warn(?:ing)?\b|\bwarning(?:\[\w+\])?:|^(?:::|##\[)warning\b/;
const debug = /\b(?:DEBUG|TRACE)\b|^\W{0,3}(?:debug|trace)\b|^(?:::|##\[)debug\b/;
const anyLevel = /err|fatal|panic|critical|severe|fail|exception|traceback|warn|debug|trace/i;

/** How grave a line is, by the level words that programs write. */
export function severityOf(text: string): Severity {
  // Level words stand near the beginning, and most lines have none.
  const head = text.length > 400 ? text.slice(0, 400) : text;
  if (!anyLevel.test(head)) return undefined;
  if (error.test(head)) return "error";
  if (warning.test(head)) return "warning";
  return debug.test(head) ? "debug" : undefined;
}
