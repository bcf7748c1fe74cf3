import { appendFileSync, existsSync, renameSync } from "node:fs";

/** The log of one part: the newest lines in the file, those before in the file with `.1` after its name. */
export interface LogFile {
  readonly path: string;
  append(line: string): void;
  /** The newest lines, oldest first. */
  tail(): readonly string[];
}

const maxFileBytes = 16 * 1024 * 1024;
const maxTailLines = 12;

/** Starts a log anew, putting what an earlier run wrote aside. */
export function openLogFile(path: string, { maxBytes = maxFileBytes } = {}): LogFile {
  const tail: string[] = [];
  let bytes = 0;
  putAside(path);
  return {
    path,
    append(line) {
      tail.push(line);
      if (tail.length > maxTailLines) tail.shift();
      const text = `${line}\n`;
      appendFileSync(path, text, { mode: 0o600 });
      bytes += Buffer.byteLength(text);
      if (bytes < maxBytes) return;
      putAside(path);
      bytes = 0;
    },
    tail: () => [...tail],
  };
}

function putAside(path: string): void {
  if (existsSync(path)) renameSync(path, `${path}.1`);
}
