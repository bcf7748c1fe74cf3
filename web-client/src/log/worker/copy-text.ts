import { visibleText } from "#protocol/terminal-line.ts";
import type { CopyFormat } from "../log-messages.ts";
import { plainStyle, styleSequence } from "./ansi-style.ts";
import type { LogContent } from "./log-content.ts";

const maxCharacters = 64 * 1024 * 1024;

/** Lines as text, each with its end and without anything that stands beside it. */
export function copyText(
  { intake, sequence }: LogContent,
  { from, to, format }: { readonly from: number; readonly to: number; readonly format: CopyFormat },
): string {
  const lines: string[] = [];
  let characters = 0;
  for (let number = from; number <= Math.min(to, intake.head) && characters < maxCharacters; number++) {
    const line = sequence.has(number) ? intake.line(number) : undefined;
    if (!line) continue;
    const start = line.style === plainStyle ? "" : styleSequence(line.style);
    lines.push(`${format === "ansi" ? start + line.text.replace(/\r$/, "") : visibleText(line.text)}\n`);
    characters += line.text.length;
  }
  return lines.join("");
}
