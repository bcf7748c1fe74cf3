import { statSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { isAbsolute } from "node:path";

/** A program by its true path, and what of the disk it needs to be read for it to run. */
export interface ProgramFiles {
  readonly path: string;
  readonly readable: readonly string[];
}

/**
 * What it takes to run a program that may lie outside the system's directories: its file, or, where npm put it, all the
 * packages that lie beside its own.
 */
export async function programFiles(path: string): Promise<ProgramFiles> {
  const real = await realpath(path);
  const packages = real.indexOf("/node_modules/");
  return { path: real, readable: [packages < 0 ? real : real.slice(0, packages + "/node_modules".length)] };
}

/** The same for the files that a command line names by their absolute paths, such as a script behind its interpreter. */
export async function namedFiles(words: readonly string[]): Promise<readonly string[]> {
  const files = words.filter((word) => isAbsolute(word) && statSync(word, { throwIfNoEntry: false })?.isFile());
  return (await Promise.all(files.map(programFiles))).flatMap(({ readable }) => readable);
}
