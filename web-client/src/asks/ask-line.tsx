import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type Ask, AskState } from "#gen/job/v1/ask_pb.js";
import { MarkedText } from "../ui/marked-text.tsx";
import { askSummary, askTitle, closedText, isConsent } from "./ask-words.ts";

/** An ask as one line of the history: what was asked, and how it was closed. */
export function AskLine({ ask }: { readonly ask: Ask }) {
  const isOpen = ask.state === AskState.OPEN;
  const [sign, tone] = isOpen ? ["⚑", "ask"] : isConsent(ask) ? ["✓", "ok"] : ["✗", "bad"];
  const at = ask.decision?.decideTime;
  return (
    <p class="block block-ask">
      <span class={`glyph tone-${tone}`} aria-hidden="true">
        {sign}
      </span>
      <span>
        <MarkedText text={askTitle(ask)} />{" "}
        <span class="mono">
          <MarkedText text={askSummary(ask)} />
        </span>
      </span>
      <span class="ask-line-end">
        {isOpen ? "waits for you" : <MarkedText text={closedText(ask)} />}
        {at && ` · ${timestampDate(at).toLocaleTimeString()}`}
      </span>
    </p>
  );
}
