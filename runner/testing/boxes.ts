import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { BoxResult, BoxTask } from "./run-in-boxes.ts";

const program = fileURLToPath(new URL("./run-in-boxes.ts", import.meta.url));

/** Runs scripts in boxes, as the user of these tests or as another. */
export async function runInBoxes(task: BoxTask, as: { readonly uid?: number } = {}): Promise<readonly BoxResult[]> {
  const ids = as.uid === undefined ? {} : { uid: as.uid, gid: as.uid };
  const child = spawn(process.execPath, [program], { ...ids, cwd: "/", env: {}, stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(JSON.stringify(task));
  const [output, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (output === "") throw new Error(`nothing ran in boxes: ${complaint}`);
  return JSON.parse(output);
}
