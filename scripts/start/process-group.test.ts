import { expect, test } from "vitest";
import { startGroup } from "./process-group.ts";

const guard = { watch() {}, forget() {}, async close() {} };
const command = (script: string) => ({ args: ["sh", "-c", script] as const, cwd: "/", env: process.env });

test("what it prints on either stream arrives by line", async () => {
  const lines: string[] = [];
  const group = startGroup(command("echo out; echo err >&2; exit 3"), guard, (line) => lines.push(line));
  expect(await group.exited).toBe("ended with exit code 3");
  await expect.poll(() => lines.toSorted()).toEqual(["err", "out"]);
  await group.end();
});

test("its end takes grandchildren along that ignore signals", async () => {
  const { promise: started, resolve: onStart } = Promise.withResolvers<number>();
  const script = `sh -c 'trap "" TERM INT; echo $$; while :; do sleep 1; done' & wait`;
  const group = startGroup(command(script), guard, (line) => onStart(Number(line)));
  const grandchild = await started;
  await group.end();
  expect(await group.exited).toBe("was ended by SIGKILL");
  expect(() => process.kill(grandchild, 0)).toThrow("ESRCH");
});

test("a program that does not exist is an end like any other", async () => {
  const group = startGroup({ args: ["/nowhere/node"], cwd: "/", env: {} }, guard, () => {});
  expect(await group.exited).toMatch(/^could not be started \(.*ENOENT/);
  await group.end();
});
