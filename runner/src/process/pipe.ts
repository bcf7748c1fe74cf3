import { execFile } from "node:child_process";
import { closeSync, constants, openSync, unlinkSync } from "node:fs";
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

/** Opens pipes by way of named ones, whose names in `directory` are gone again when this returns. */
export async function openPipes(directory: string, count: number): Promise<Pipe[]> {
  const paths = Array.from({ length: count }, (_, index) => `${directory}/.pipe-${process.pid}-${index}`);
  await promisify(execFile)("mkfifo", ["-m", "600", "--", ...paths]);
  return paths.map(openNamedPipe);
}

/** Closes both ends of a pipe that was never used. */
export function closePipe({ readFd, writeFd }: Pipe): void {
  closeSync(readFd);
  closeSync(writeFd);
}

function openNamedPipe(path: string): Pipe {
  // The reading end first: opening the writing end of a pipe that nobody reads would block.
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writeFd = openSync(path, constants.O_WRONLY);
  unlinkSync(path);
  return { readFd, writeFd };
}
