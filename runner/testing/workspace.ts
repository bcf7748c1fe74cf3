import { noSandbox } from "../src/sandbox/none.ts";
import type { GitContext } from "../src/workspace/git.ts";

/** Where git runs in a workspace of the tests, without walls. */
export function testGit(directory: string): GitContext {
  return {
    jobId: "job_0000000000000000",
    sandbox: noSandbox,
    directory,
    home: "/nonexistent",
    writable: [directory],
    readable: [],
    network: "none",
    path: "/usr/local/bin:/usr/bin:/bin",
    signal: AbortSignal.timeout(60_000),
  };
}
