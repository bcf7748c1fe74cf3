import type { ComponentChildren } from "preact";
import type { Ask } from "#gen/job/v1/ask_pb.js";
import type { Job } from "#gen/job/v1/job_pb.js";
import { jobTitle, workerName } from "../jobs/job-words.ts";
import { clock } from "../ui/clock.ts";
import { MarkedText } from "../ui/marked-text.tsx";
import { isOpen } from "./ask-list.ts";
import { askTitle, closedAgoText, timeLeftText } from "./ask-words.ts";
import type { Attempt, Deciding } from "./deciding.ts";

/** What the form of one kind of ask gets. */
export interface AskFormProps<Question> {
  readonly ask: Ask;
  /** The job that asks; undefined while the list does not hold it. */
  readonly job: Job | undefined;
  readonly question: Question;
  /** How this page's decision on it went so far. */
  readonly attempt: Attempt | undefined;
  readonly decide: Deciding["decide"];
}

/**
 * The frame of a card: who asks, what, and how long it waits; once the ask is closed, how. Y and N are for the card
 * alone: they do nothing while anything inside it has focus.
 */
export function AskFrame(props: {
  readonly ask: Ask;
  readonly job: Job | undefined;
  readonly attempt: Attempt | undefined;
  readonly onYes?: () => void;
  readonly onNo?: () => void;
  readonly children: ComponentChildren;
}) {
  const { ask, job, attempt } = props;
  const hasKeys = props.onYes !== undefined && isOpen(ask);
  const press = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = { y: props.onYes, n: props.onNo }[event.key.toLowerCase()];
    if (!act || !hasKeys) return;
    event.preventDefault();
    if (!event.repeat) act();
  };
  return (
    <article
      class="ask plate"
      aria-labelledby={`${ask.id}-title`}
      aria-keyshortcuts={hasKeys ? "Y N" : undefined}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: its keys work only while the card itself has focus
      tabIndex={0}
      onKeyDown={press}
    >
      <header class="ask-head">
        <span class="glyph tone-ask" aria-hidden="true">
          ⚑
        </span>
        <h2 id={`${ask.id}-title`}>
          <MarkedText text={askTitle(ask)} />
        </h2>
        <p class="ask-who">
          <MarkedText text={whoAsks(ask, job)} />
        </p>
        <AskStanding ask={ask} attempt={attempt} />
      </header>
      {isOpen(ask) && props.children}
      {attempt?.kind === "failed" && <p class="refusal">{attempt.message} Nothing was decided by you; try again.</p>}
      {hasKeys && (
        <p class="ask-keys">
          <kbd>Y</kbd> says yes, <kbd>N</kbd> no, while the card itself has focus.
        </p>
      )}
    </article>
  );
}

/** How an ask stands: how long it still waits, or how it was closed. */
export function AskStanding({ ask, attempt }: { readonly ask: Ask; readonly attempt: Attempt | undefined }) {
  const nowMs = clock.value;
  const left = timeLeftText(ask, nowMs);
  if (isOpen(ask)) return <p class="ask-left num">{left && `Denied unless answered in ${left}`}</p>;
  return (
    <p class="ask-left">
      <MarkedText text={closedAgoText(ask, { nowMs, isBeaten: attempt?.kind === "beaten" })} />
    </p>
  );
}

function whoAsks({ jobId, parentToolCallId }: Ask, job: Job | undefined): string {
  const agent = workerName(job?.spec);
  return `${job ? jobTitle(job) : jobId} · ${parentToolCallId ? `a sub-agent of ${agent}` : agent}`;
}
