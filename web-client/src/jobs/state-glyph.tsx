import { JobState } from "#gen/job/v1/job_pb.js";
import { wordsForState } from "./job-state.ts";

/** The sign of a state, coloured. The word stands beside it or is read out. */
export function StateGlyph({
  state,
  isBig = false,
}: {
  readonly state: JobState | undefined;
  readonly isBig?: boolean;
}) {
  const { glyph, tone } = wordsForState(state ?? JobState.UNSPECIFIED);
  return (
    <span class={`glyph tone-${tone}${isBig ? " glyph-big" : ""}`} aria-hidden="true">
      {glyph}
    </span>
  );
}

/** The word of a state, coloured. */
export function StateWord({ state }: { readonly state: JobState | undefined }) {
  const { word, tone } = wordsForState(state ?? JobState.UNSPECIFIED);
  return <span class={`state-word tone-${tone}`}>{word}</span>;
}
