import { expect, test } from "vitest";
import { findWrongImports } from "./import-direction.ts";

test.each([
  ["gateway/src/worker.ts", "./rest/jobs.ts"],
  ["gateway/src/worker.ts", "./fleet/queue.ts"],
  ["gateway/src/env.ts", "./auth/api-key.ts"],
  ["gateway/src/job/job-object.ts", "../env.ts"],
  ["gateway/src/job/job-object.ts", "../../../protocol/id.ts"],
  ["runner/src/job/slots.ts", "../process/spawn.ts"],
  ["runner/src/executor/claude/claude.ts", "../executor.ts"],
  ["web-client/src/job/page.tsx", "../log/view.tsx"],
  ["runner/src/job/slots.test.ts", "../main.ts"],
  ["runner/src/executor/claude/claude.test.ts", "../../../../e2e/model/model.ts"],
])("%s may import %s", (path, specifier) => {
  expect(findWrongImports(new Map([[path, `import { a } from "${specifier}";`]]))).toEqual([]);
});

test.each([
  ["gateway/src/job/job-object.ts", "../rest/jobs.ts"],
  ["gateway/src/job/job-object.ts", "../fleet/queue.ts"],
  ["gateway/src/worker.ts", "../../runner/src/main.ts"],
  ["gateway/src/worker.ts", "../../e2e/model/model.ts"],
  ["runner/src/spool/spool.ts", "../job/slots.ts"],
  ["runner/src/executor/task.ts", "../sandbox/none.ts"],
  ["web-client/src/ui/badge.tsx", "../jobs/list.tsx"],
  ["runner/src/main.test.ts", "../../gateway/src/env.ts"],
  ["protocol/id.ts", "../runner/src/main.ts"],
])("%s must not import %s", (path, specifier) => {
  expect(findWrongImports(new Map([[path, `import { a } from "${specifier}";`]]))).toEqual([
    `${path} must not import ${specifier}`,
  ]);
});

test("a new folder must be given its place", () => {
  expect(findWrongImports(new Map([["runner/src/helpers/a.ts", ""]]))).toHaveLength(1);
});

test("every way to name a file is found", () => {
  const text = ['import "../rest/a.ts";', 'export { a } from "../rest/b.ts";', 'await import("../rest/c.ts");'].join(
    "\n",
  );
  expect(findWrongImports(new Map([["gateway/src/job/job-object.ts", text]]))).toHaveLength(3);
});
