import type { JsonAssertionResult, JsonTestResult, JsonTestResults } from "vitest/node";

/** How many checks and tests ended in which way. */
export type Tally = { readonly passed: number; readonly failed: number; readonly skipped: number };

type Counts = "numPassedTests" | "numFailedTests" | "numPendingTests" | "numTodoTests";

/** What is read here of the report vitest's `json` reporter writes. */
export type VitestReport = Pick<JsonTestResults, Counts> & {
  readonly testResults: readonly (Pick<JsonTestResult, "status"> & {
    readonly assertionResults: readonly Pick<JsonAssertionResult, "status">[];
  })[];
};

/** The sum of several tallies. */
export function addTallies(tallies: readonly Tally[]): Tally {
  return tallies.reduce((sum, tally) => ({
    passed: sum.passed + tally.passed,
    failed: sum.failed + tally.failed,
    skipped: sum.skipped + tally.skipped,
  }));
}

/** Counts tests, a file that fails outside its tests as one more, and a run that fails outside its files as one. */
export function tallyReport(report: VitestReport, exitCode: number): Tally {
  const failedFiles = report.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  );
  const failed = report.numFailedTests + failedFiles.length;
  return {
    passed: report.numPassedTests,
    failed: exitCode !== 0 && failed === 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** The line `npm test` ends with. */
export function countLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}
