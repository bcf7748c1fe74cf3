import { clock } from "../ui/clock.ts";
import type { Link } from "./link.ts";
import { wordsForLink } from "./link-words.ts";

/** The state of the connection: its word here is announced, its ticking detail is not. */
export function LinkShape({ link, behind }: { readonly link: Link; readonly behind: number }) {
  const { shape, word, tone } = wordsForLink(link, { nowMs: 0, latencyMs: undefined, behind });
  return (
    <span class={`chip-word tone-${tone}`}>
      <span aria-hidden="true">{shape}</span> {word}
    </span>
  );
}

/** The part of the connection's state that changes all the time: latency, or the next attempt. */
export function LinkDetail(props: {
  readonly link: Link;
  readonly behind: number;
  readonly latencyMs: number | undefined;
  readonly onRetry: () => void;
  readonly onSignIn: () => void;
}) {
  const { link, behind, latencyMs } = props;
  const nowMs = link.kind === "reconnecting" ? clock.value : 0;
  const { detail } = wordsForLink(link, { nowMs, latencyMs, behind });
  return (
    <>
      <span class="chip-detail num">{detail}</span>
      {(link.kind === "reconnecting" || link.kind === "offline") && (
        <button type="button" class="button small" onClick={props.onRetry}>
          Retry now
        </button>
      )}
      {(link.kind === "signed_out" || link.kind === "forbidden") && (
        <button type="button" class="button small" onClick={props.onSignIn}>
          Sign in
        </button>
      )}
    </>
  );
}
