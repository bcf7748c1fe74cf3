import { JobState } from "#gen/job/v1/job_pb.js";

/** How a state is told: a sign and a word, and a tone that only adds colour. */
export interface StateWords {
  readonly glyph: string;
  readonly word: string;
  readonly tone: "off" | "run" | "ask" | "ok" | "bad" | "warn";
}

const unknown: StateWords = { glyph: "◌", word: "unknown", tone: "off" };

const words: Record<JobState, StateWords> = {
  [JobState.UNSPECIFIED]: unknown,
  [JobState.PENDING]: { glyph: "◔", word: "pending", tone: "off" },
  [JobState.RUNNING]: { glyph: "▶", word: "running", tone: "run" },
  [JobState.WAITING]: { glyph: "⚑", word: "waiting", tone: "ask" },
  [JobState.SUCCEEDED]: { glyph: "✓", word: "succeeded", tone: "ok" },
  [JobState.FAILED]: { glyph: "✗", word: "failed", tone: "bad" },
  [JobState.CANCELED]: { glyph: "⊘", word: "canceled", tone: "off" },
  [JobState.TIMED_OUT]: { glyph: "⏱", word: "timed out", tone: "warn" },
};

/** The words for a state; one that this page is too old to know is called unknown. */
export function wordsForState(state: JobState): StateWords {
  return words[state] ?? unknown;
}

/** True for states that never change again. */
export function isFinal(state: JobState): boolean {
  return state >= JobState.SUCCEEDED;
}
