import { describe, expect, test } from "vitest";
import { addTallies, countLine, tallyReport, type VitestReport } from "./tally.ts";

const report: VitestReport = {
  numPassedTests: 4,
  numFailedTests: 0,
  numPendingTests: 2,
  numTodoTests: 1,
  testResults: [{ status: "passed", assertionResults: [{ status: "passed" }] }],
};

describe("tallyReport", () => {
  test("counts passed, and skipped with to-do", () => {
    expect(tallyReport(report, 0)).toEqual({ passed: 4, failed: 0, skipped: 3 });
  });

  test("counts a failed test once, not its file again", () => {
    const testResults: VitestReport["testResults"] = [
      { status: "failed", assertionResults: [{ status: "failed" }, { status: "passed" }] },
    ];
    expect(tallyReport({ ...report, numFailedTests: 1, testResults }, 1).failed).toBe(1);
  });

  test("counts a file that cannot be loaded", () => {
    const testResults: VitestReport["testResults"] = [{ status: "failed", assertionResults: [] }];
    expect(tallyReport({ ...report, testResults }, 1).failed).toBe(1);
  });

  test("counts a run that fails though every test passes", () => {
    expect(tallyReport(report, 1).failed).toBe(1);
  });
});

test("tallies add up", () => {
  const tally = { passed: 1, failed: 2, skipped: 3 };
  expect(addTallies([tally, tally])).toEqual({ passed: 2, failed: 4, skipped: 6 });
});

test.each([
  [{ passed: 12, failed: 0, skipped: 0 }, "12 passed, 0 failed"],
  [{ passed: 12, failed: 1, skipped: 2 }, "12 passed, 1 failed, 2 skipped"],
])("the count line of %o", (tally, line) => {
  expect(countLine(tally)).toBe(line);
});
