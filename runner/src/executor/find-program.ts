import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";

/** The first program of this name in directories that are separated by colons; a name with a slash stands for itself. */
export async function findProgram(name: string, searchPath: string): Promise<string | undefined> {
  if (name.includes("/")) return (await isProgram(name)) ? name : undefined;
  for (const directory of searchPath.split(delimiter)) {
    const path = join(directory, name);
    if (directory !== "" && (await isProgram(path))) return path;
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    // Not there, or not for this user.
    return false;
  }
}
