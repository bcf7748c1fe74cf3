import { defineConfig } from "vitest/config";

/** Long enough for what real processes do on a busy machine: a condition that holds is seen within 50 ms all the same. */
const patience = { poll: { timeout: 15_000 } };

/** Groups run one after the other; within a group, so many files at once. */
const group = (groupOrder: number, maxWorkers: number) => ({
  maxWorkers,
  // What real processes do on a busy machine can still outrun a condition; a test that fails twice fails.
  retry: 1,
  sequence: { groupOrder },
  expect: patience,
});

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["{gateway,runner,web-client,cli,protocol,scripts,bench}/**/*.test.{ts,tsx}"],
          testTimeout: 30_000,
          hookTimeout: 30_000,
          ...group(0, 2),
        },
      },
      {
        test: {
          name: "integration",
          include: ["e2e/**/*.test.ts"],
          exclude: ["e2e/browser/**"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          ...group(1, 2),
        },
      },
      {
        test: {
          name: "e2e",
          include: ["e2e/browser/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          ...group(2, 1),
        },
      },
    ],
  },
});
