import { styleText } from "node:util";

/** What `npm start` shows: a line a step, its details indented below. Colours on a terminal only. */
export interface Screen {
  passed(line: string, details?: readonly string[]): void;
  failed(line: string, details?: readonly string[]): void;
  plain(line: string): void;
}

/** A screen on standard output. */
export function openScreen(): Screen {
  const show = (mark: string, line: string, details: readonly string[] = []) => {
    console.log(`${mark} ${line}`);
    for (const detail of details) console.log(styleText("dim", `    ${detail}`));
  };
  return {
    passed: (line, details) => show(styleText("green", "✓"), line, details),
    failed: (line, details) => show(styleText("red", "✗"), line, details),
    plain: (line) => console.log(line),
  };
}
