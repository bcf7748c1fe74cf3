import type { Question } from "#gen/job/v1/ask_pb.js";

/** What a person has put into a form of questions so far, one entry a question. */
export type AnswerDraft = readonly {
  readonly taken: readonly string[];
  /** An answer in own words; it stands instead of the choices. */
  readonly text: string;
}[];

/** A form in which nothing is chosen. */
export function blankAnswers(questions: readonly Question[]): AnswerDraft {
  return questions.map(() => ({ taken: [], text: "" }));
}

/** The draft with a choice taken, or put back. A question with one answer keeps the last one taken. */
export function withChoice(
  draft: AnswerDraft,
  { at, label, isTaken, isMultiple }: { at: number; label: string; isTaken: boolean; isMultiple: boolean },
): AnswerDraft {
  return draft.map((entry, index) => {
    if (index !== at) return entry;
    const others = isMultiple ? entry.taken.filter((held) => held !== label) : [];
    return { taken: isTaken ? [...others, label] : others, text: "" };
  });
}

/** The draft with an answer in own words, which puts the choices of its question back. */
export function withText(draft: AnswerDraft, at: number, text: string): AnswerDraft {
  return draft.map((entry, index) => (index === at ? { taken: text ? [] : entry.taken, text } : entry));
}

/** The answers in the order of the questions, or undefined while one is missing. */
export function answersOf(questions: readonly Question[], draft: AnswerDraft): { values: string[] }[] | undefined {
  const answers = questions.map(({ choices }, at) => {
    const { taken, text } = draft[at] ?? { taken: [], text: "" };
    if (text.trim()) return { values: [text.trim()] };
    // In the order offered, whatever the order of clicks.
    return { values: choices.map(({ label }) => label).filter((label) => taken.includes(label)) };
  });
  return answers.every(({ values }) => values.length > 0) ? answers : undefined;
}
