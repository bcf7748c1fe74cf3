import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Job } from "#gen/job/v1/job_pb.js";
import { MarkedText } from "../ui/marked-text.tsx";
import { AskCard } from "./ask-card.tsx";
import { AskStanding } from "./ask-frame.tsx";
import { chooseShown, isOpen } from "./ask-list.ts";
import type { AskStore } from "./ask-store.ts";
import { askTitle, isConsent } from "./ask-words.ts";
import type { Deciding } from "./deciding.ts";

/** The asks of one job, one card at a time: the first that came, for as long as it waits; below it how the last one closed. */
export function AskDeck(props: {
  readonly job: Job;
  /** The ask to begin with; undefined for the oldest. */
  readonly chosenId: string | undefined;
  readonly asks: AskStore;
  readonly deciding: Deciding;
}) {
  const { job, asks, deciding } = props;
  const shownId = useRef(props.chosenId);
  const closedId = useSignal<string | undefined>(undefined);
  const deck = useRef<HTMLElement>(null);
  const hadFocus = useRef(false);
  const waiting = asks.open.value.filter((ask) => ask.jobId === job.id);
  const shown = chooseShown(waiting, shownId.current);
  const leftId = shownId.current === shown?.id ? closedId.value : shownId.current;
  const closed = asks.list.value.get(leftId ?? "");
  useEffect(() => {
    if (shownId.current !== shown?.id) closedId.value = shownId.current;
    shownId.current = shown?.id;
    // A card that goes takes the focus with it; the next card must not get it.
    if (hadFocus.current && document.activeElement === document.body) deck.current?.focus({ preventScroll: true });
  }, [shown?.id]);
  if (!shown && !closed) return null;
  return (
    <section
      ref={deck}
      class="asks"
      aria-label="Waiting for you"
      tabIndex={-1}
      onFocusCapture={() => {
        hadFocus.current = true;
      }}
      onBlurCapture={(event) => {
        if (event.relatedTarget) hadFocus.current = false;
      }}
    >
      {shown && <AskCard key={shown.id} ask={shown} job={job} deciding={deciding} />}
      {waiting.length > 1 && <p class="asks-more">{waiting.length - 1} more after this one.</p>}
      {closed && !isOpen(closed) && (
        <div class="asks-closed">
          <span class={`glyph tone-${isConsent(closed) ? "ok" : "bad"}`} aria-hidden="true">
            {isConsent(closed) ? "✓" : "✗"}
          </span>
          <span>
            <MarkedText text={askTitle(closed)} />
          </span>
          <AskStanding ask={closed} attempt={deciding.attempts.value.get(closed.id)} />
        </div>
      )}
    </section>
  );
}
