/** Tells whether jobs can be confined on this machine, as the runner would find: prints why not and ends with 1, or with 0. */
import { fileURLToPath } from "node:url";
import { defaultUidBase } from "./sandbox/open-sandbox.ts";
import { testSandbox } from "./sandbox/self-test.ts";

const bounds = { memoryBytes: 2 ** 30, maxProcesses: 512 };
const settings = { kind: "bubblewrap", uidBase: defaultUidBase, readable: [], bounds } as const;
const { problem } = await testSandbox(settings, fileURLToPath(import.meta.url));
if (problem !== "") process.stdout.write(`${problem}\n`);
process.exit(problem === "" ? 0 : 1);
