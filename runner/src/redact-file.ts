import { readFileSync } from "node:fs";
import { minSecretBytes } from "./spool/secret-forms.ts";

/** The secrets in a file, one a line. Throws one line that says what is wrong with it, and tells none of them. */
export function readSecrets(path: string): readonly string[] {
  const lines = readFileSync(path, "utf8").split(/\r?\n/);
  const short = lines.findIndex((line) => line !== "" && Buffer.byteLength(line) < minSecretBytes);
  if (short >= 0)
    throw new Error(`line ${short + 1} is shorter than ${minSecretBytes} bytes, which are found everywhere`);
  return lines.filter((line) => line !== "");
}
