import { lstatSync, writeFileSync } from "node:fs";
import type { Author } from "../workspace/checkpoint.ts";

/** Says in a job's HOME who commits: git refuses to, as long as it does not know. The job may say something else. */
export function writeGitIdentity(home: string, { name, email }: Author): void {
  const path = `${home}/.gitconfig`;
  // Never through a link that lies there.
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
  writeFileSync(path, `[user]\n\tname = ${quote(name)}\n\temail = ${quote(email)}\n`, { flag: "wx" });
}

function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&")}"`;
}
