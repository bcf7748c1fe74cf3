import { expect, test } from "vitest";
import { PermissionMode } from "#gen/job/v1/job_pb.js";
import {
  draftFromQuery,
  draftFromSpec,
  fieldOfProblem,
  findFault,
  freshDraft,
  parseDraft,
  specFromDraft,
} from "./draft.ts";

test("a spec made from a draft makes the same draft again", () => {
  const draft = { ...freshDraft, repoRef: "acme/api@main", name: "lint", work: "npm run lint", timeoutS: "300" };
  expect(draftFromSpec(specFromDraft("task", draft))).toEqual({ type: "task", draft });
  const prompt = {
    ...freshDraft,
    work: "Fix it.",
    permissionMode: String(PermissionMode.PLAN),
    budget: "0.05",
    maxTurns: "9",
  };
  expect(draftFromSpec(specFromDraft("claude", prompt))).toEqual({ type: "claude", draft: prompt });
});

test.each([
  ["spec.repo_ref", "repoRef"],
  ["spec.name", "name"],
  ["spec.task.command", "work"],
  ["spec.agent.prompt", "work"],
  ["spec.agent.permission_mode", "permissionMode"],
  ["spec.limits.wall", "timeoutS"],
  ["spec.limits.budget_micros", "budget"],
  ["spec.limits.max_turns", "maxTurns"],
  ["spec.labels", undefined],
  ["", undefined],
])("the field %s is the form's %s", (path, field) => {
  expect(fieldOfProblem(path)).toBe(field);
});

test.each([
  [{ budget: "1,5" }, "budget"],
  [{ budget: "0" }, "budget"],
  [{ maxTurns: "many" }, "maxTurns"],
  [{ budget: "$2.50", maxTurns: "10" }, undefined],
])("the limits %o are at fault in %s", (limits, field) => {
  expect(findFault("claude", { ...freshDraft, ...limits })?.field).toBe(field);
  expect(findFault("task", { ...freshDraft, ...limits })).toBeUndefined();
});

test("an address fills in what it names and keeps the rest of the draft", () => {
  const held = { ...freshDraft, name: "kept", work: "old" };
  expect(draftFromQuery(new URLSearchParams("command=echo+hi&repo_ref=test"), () => held)).toEqual({
    type: "task",
    draft: { ...held, repoRef: "test", work: "echo hi" },
  });
  expect(draftFromQuery(new URLSearchParams("prompt=Hello"), () => held).type).toBe("claude");
});

test.each([null, "", "{", "[]", '"text"', "null", '{"work":7}'])("the kept text %s is a fresh draft", (text) => {
  expect(parseDraft(text)).toEqual(freshDraft);
});

test("a kept draft comes back without what is no part of it", () => {
  expect(parseDraft('{"work":"echo","other":"x"}')).toEqual({ ...freshDraft, work: "echo" });
});
