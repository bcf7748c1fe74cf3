import { JobState, type JobStatus, WaitingReason } from "#gen/job/v1/job_pb.js";

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
  [JobState.WAITING]: { glyph: "⚑", word: "waiting for you", tone: "ask" },
  [JobState.SUCCEEDED]: { glyph: "✓", word: "succeeded", tone: "ok" },
  [JobState.FAILED]: { glyph: "✗", word: "failed", tone: "bad" },
  [JobState.CANCELED]: { glyph: "⊘", word: "canceled", tone: "off" },
  [JobState.TIMED_OUT]: { glyph: "⏱", word: "timed out", tone: "warn" },
};

const heldUp: StateWords = { glyph: "◷", word: "held up", tone: "warn" };

/** The words for a status; one that this page is too old to know is called unknown. */
export function wordsForStatus(status: JobStatus | undefined): StateWords {
  if (!status) return unknown;
  return status.state === JobState.WAITING && !waitsForPerson(status) ? heldUp : (words[status.state] ?? unknown);
}

/** True when nothing goes on until a person has done something. */
export function waitsForPerson({ state, detail }: JobStatus): boolean {
  return state === JobState.WAITING && !(detail.case === "waiting" && detail.value.reason === WaitingReason.RATE_LIMIT);
}

/** True for states that never change again. */
export function isFinal(state: JobState): boolean {
  return state >= JobState.SUCCEEDED;
}
