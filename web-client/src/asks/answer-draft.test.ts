import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { QuestionSchema } from "#gen/job/v1/ask_pb.js";
import { answersOf, blankAnswers, withChoice, withText } from "./answer-draft.ts";

const choices = [{ label: "Red" }, { label: "Green" }, { label: "Blue" }];
const one = create(QuestionSchema, { text: "Which?", choices });
const several = create(QuestionSchema, { text: "Which ones?", choices, multiple: true });
const free = create(QuestionSchema, { text: "Why?" });
const questions = [one, several, free];

test("nothing is chosen at first, and there is no answer until every question has one", () => {
  let draft = blankAnswers(questions);
  expect(answersOf(questions, draft)).toBeUndefined();
  draft = take(draft, 0, "Red");
  draft = take(draft, 1, "Blue");
  expect(answersOf(questions, draft)).toBeUndefined();
  draft = withText(draft, 2, " because ");
  expect(answersOf(questions, draft)).toEqual([{ values: ["Red"] }, { values: ["Blue"] }, { values: ["because"] }]);
});

test("one answer replaces the other, several stand beside each other in the order offered", () => {
  let draft = blankAnswers([one, several]);
  for (const label of ["Red", "Green"]) draft = take(draft, 0, label);
  for (const label of ["Blue", "Red"]) draft = take(draft, 1, label);
  expect(answersOf([one, several], draft)).toEqual([{ values: ["Green"] }, { values: ["Red", "Blue"] }]);
  draft = withChoice(draft, { at: 1, label: "Blue", isTaken: false, isMultiple: true });
  expect(answersOf([one, several], draft)?.[1]).toEqual({ values: ["Red"] });
});

test("own words stand instead of the choices, and a choice instead of them", () => {
  const worded = withText(take(blankAnswers([one]), 0, "Red"), 0, "Pink");
  expect(answersOf([one], worded)).toEqual([{ values: ["Pink"] }]);
  expect(answersOf([one], take(worded, 0, "Red"))).toEqual([{ values: ["Red"] }]);
});

function take(draft: Parameters<typeof withChoice>[0], at: number, label: string) {
  return withChoice(draft, { at, label, isTaken: true, isMultiple: at === 1 });
}
