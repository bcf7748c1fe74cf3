import type { JobStatus } from "#gen/job/v1/job_pb.js";
import { wordsForStatus } from "./job-state.ts";

/** The sign of a state, coloured. The word stands beside it or is read out. */
export function StateGlyph({
  status,
  isBig = false,
}: {
  readonly status: JobStatus | undefined;
  readonly isBig?: boolean;
}) {
  const { glyph, tone } = wordsForStatus(status);
  return (
    <span class={`glyph tone-${tone}${isBig ? " glyph-big" : ""}`} aria-hidden="true">
      {glyph}
    </span>
  );
}

/** The word of a state, coloured. */
export function StateWord({ status }: { readonly status: JobStatus | undefined }) {
  const { word, tone } = wordsForStatus(status);
  return <span class={`state-word tone-${tone}`}>{word}</span>;
}
