import { markUnseen } from "./visible-marks.ts";

/** Text from outside, as text nodes only; characters that would hide or reorder others are shown as marks. */
export function MarkedText({ text }: { readonly text: string }) {
  return (
    <>
      {markUnseen(text).map((run, index) =>
        run.isMark ? (
          <span key={index} class="mark">
            {run.text}
          </span>
        ) : (
          run.text
        ),
      )}
    </>
  );
}
