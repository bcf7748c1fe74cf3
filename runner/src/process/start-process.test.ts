import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { openOutputPipes } from "./pipe.ts";
import { startProcess } from "./start-process.ts";

test("of output in quick succession nothing is lost, and a gap lies between reads", async () => {
  const { reads, output } = await run("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo $i; sleep 0.01; done", 500);
  expect(output).toBe("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n");
  expect(reads).toBeLessThan(6);
});

test("without a gap output is read as it comes", async () => {
  const { reads } = await run("for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo $i; sleep 0.01; done", 0);
  expect(reads).toBeGreaterThan(6);
});

async function run(script: string, stdoutGapMs: number): Promise<{ reads: number; output: string }> {
  const directory = mkdtempSync(`${tmpdir()}/blazecraft-process-`);
  try {
    const [pipes] = await openOutputPipes(directory, 1);
    if (pipes === undefined) throw new Error("no pipes");
    const pieces: string[] = [];
    const start = await startProcess({
      command: { argv: ["/bin/sh", "-c", script], env: { PATH: "/usr/bin:/bin" }, directory },
      stdin: "none",
      ...pipes,
      stdoutGapMs,
      onOutput: (_, data) => pieces.push(Buffer.from(data).toString()),
    });
    if (start.kind !== "started") throw new Error(start.code);
    await start.process.exited;
    await start.process.drained(10_000);
    start.process.close();
    return { reads: pieces.length, output: pieces.join("") };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
