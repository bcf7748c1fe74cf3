import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { workspaceSettings } from "../../testing/workspace-settings.ts";
import type { Command } from "./control.ts";
import type { Supervisor } from "./supervisor-pool.ts";
import { WarmSpares } from "./warm-spares.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function openSpares(count: number) {
  const told: { spare: Supervisor; command: Command }[] = [];
  const gone: string[] = [];
  const makeSpare = (pid: number): Supervisor => {
    const spare: Supervisor = {
      process: { pid, startTime: 0, bootId: "" },
      command: (command) => told.push({ spare, command }),
      listen: () => undefined,
    };
    return spare;
  };
  const settings = {
    path: "",
    taskWallMs: 0,
    maxLogBytes: 0,
    artifacts: { maxBytes: 1 << 20, minFreeBytes: 0 },
    workspace: workspaceSettings,
    gitAuthor: { name: "Runner", email: "runner@example.com" },
    model: { baseUrl: "", silenceMs: 0, dayBudgetMicros: 0 },
    redact: [],
    egress: { allowed: [], mayAllowMore: true, exemptAddresses: [] },
    share: { memoryBytes: 1 << 28, maxProcesses: 512, diskBytes: 1 << 30 },
    executors: { searchPath: "" },
  };
  const onGone = (session: string) => gone.push(session);
  const warm = new WarmSpares({ count, agent: "claude", settings, onReady: () => undefined, onGone });
  const spares = [makeSpare(1), makeSpare(2), makeSpare(3)];
  const [first, second, third] = spares;
  if (first === undefined || second === undefined || third === undefined) throw new Error("three were made");
  warm.tend(spares);
  /** The session of the agent that a spare was told to start last. */
  const sessionOf = (wanted: Supervisor): string => {
    const last = told.findLast(({ spare, command }) => spare === wanted && command.kind === "warm")?.command;
    return last?.kind === "warm" ? last.session : "";
  };
  return { warm, spares, first, second, third, told, gone, sessionOf };
}

test("spares start their agents one after the other, and no more than were asked for", () => {
  const { warm, spares, first, second, told, sessionOf } = openSpares(2);
  vi.runAllTimers();
  expect(told.map(({ spare }) => spare)).toEqual([first]);
  warm.heard(first, { kind: "warmed", session: sessionOf(first) }, spares);
  vi.runAllTimers();
  expect(told.map(({ spare }) => spare)).toEqual([first, second]);
  warm.heard(second, { kind: "warmed", session: sessionOf(second) }, spares);
  vi.runAllTimers();
  expect(told).toHaveLength(2);
});

test("a job that can use an agent gets one that waits, another a spare that has none", () => {
  const { warm, spares, first, second, third, sessionOf } = openSpares(1);
  vi.runAllTimers();
  expect(warm.choose(spares, { warm: true })).toBe(third);
  warm.heard(first, { kind: "warmed", session: sessionOf(first) }, spares);
  expect(warm.choose(spares, { warm: true })).toBe(first);
  expect(warm.choose(spares, { warm: false })).toBe(third);
  expect(warm.choose([first, second], { warm: false })).toBe(second);
  expect(warm.choose([first], { warm: false })).toBe(first);
  expect(warm.handOver(first, { warm: true })).toBe(sessionOf(first));
});

test("an agent that its spare's job cannot use is given to nobody, and seen to once", () => {
  const { warm, spares, first, gone, sessionOf } = openSpares(1);
  vi.runAllTimers();
  const session = sessionOf(first);
  warm.heard(first, { kind: "warmed", session }, spares);
  expect(warm.handOver(first, { warm: false })).toBeUndefined();
  warm.heard(first, { kind: "cooled", session }, spares.slice(1));
  warm.lost(first);
  expect(gone).toEqual([session]);
});

test("a spare whose agent does not start is not told again at once", () => {
  const { warm, spares, first, told, sessionOf } = openSpares(1);
  vi.runAllTimers();
  warm.heard(first, { kind: "cooled", session: sessionOf(first) }, spares);
  vi.advanceTimersByTime(10_000);
  expect(told).toHaveLength(1);
  vi.runAllTimers();
  expect(told).toHaveLength(2);
});
