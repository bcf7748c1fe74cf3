import { execFile } from "node:child_process";
import { constants, openSync, unlinkSync } from "node:fs";
import { promisify } from "node:util";

/**
 * A real pipe. What Node makes for `stdio: "pipe"` is a socket pair, on which a script's `echo x > /dev/stderr` fails.
 */
export interface Pipe {
  /** Does not block. */
  readonly readFd: number;
  /** For the child; close it here once the child has it, or the end is never seen. */
  readonly writeFd: number;
}

/** What a process writes to. */
export interface OutputPipes {
  readonly stdout: Pipe;
  readonly stderr: Pipe;
}

/**
 * Opens the pipes of so many processes by way of named ones, whose names in `directory` are gone again when this returns. Of
 * any mode, then: only who has them can open them again, such as by /dev/stdout, and that may be another user.
 */
export async function openOutputPipes(directory: string, count: number): Promise<OutputPipes[]> {
  const paths = Array.from({ length: count }, (_, index) => {
    const path = `${directory}/.pipe-${process.pid}-${index}`;
    return { stdout: `${path}-stdout`, stderr: `${path}-stderr` };
  });
  await promisify(execFile)("mkfifo", ["-m", "666", "--", ...paths.flatMap(({ stdout, stderr }) => [stdout, stderr])]);
  return paths.map(({ stdout, stderr }) => ({ stdout: openNamedPipe(stdout), stderr: openNamedPipe(stderr) }));
}

function openNamedPipe(path: string): Pipe {
  // The reading end first: opening the writing end of a pipe that nobody reads would block.
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeFd = openSync(path, constants.O_WRONLY);
  unlinkSync(path);
  return { readFd, writeFd };
}
