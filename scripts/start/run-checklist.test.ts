import { expect, test } from "vitest";
import { runChecklist } from "./run-checklist.ts";

function recordingScreen() {
  const shown: unknown[] = [];
  return {
    shown,
    passed: (line: string, details: readonly string[] = []) => void shown.push(["passed", line, ...details]),
    failed: (line: string, details: readonly string[] = []) => void shown.push(["failed", line, ...details]),
    plain: () => {},
  };
}

test("every check is shown with what came back, also after one that failed", async () => {
  const screen = recordingScreen();
  const checks = [
    {
      title: "fails",
      run: async (say: (line: string) => void) => {
        say("GET /");
        throw new Error("answered 500");
      },
    },
    { title: "passes", run: async (say: (line: string) => void) => say("200 ok") },
  ];
  expect(await runChecklist(checks, screen, new AbortController().signal)).toBe(1);
  expect(screen.shown).toEqual([
    ["failed", "1. fails", "GET /", "answered 500"],
    ["passed", "2. passes", "200 ok"],
  ]);
});

test("an interrupt is no failed check", async () => {
  const screen = recordingScreen();
  const stop = new AbortController();
  const run = async (_: unknown, signal: AbortSignal) => {
    stop.abort();
    signal.throwIfAborted();
  };
  await expect(runChecklist([{ title: "hangs", run }], screen, stop.signal)).rejects.toThrow();
  expect(screen.shown).toEqual([]);
});
