import { durationMs } from "@bufbuild/protobuf/wkt";
import type { TurnResult } from "#gen/job/v1/job_event_pb.js";
import { MarkedText } from "../ui/marked-text.tsx";
import { costText, countText, durationText } from "../ui/time-text.ts";

/** The end of a turn: how it went, and what it took. */
export function TurnBlock({ result }: { readonly result: TurnResult }) {
  const { usage } = result;
  const facts = [
    `${result.turns} turns`,
    result.duration && durationText(durationMs(result.duration)),
    usage && `${countText(Number(usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens))} in`,
    usage && `${countText(Number(usage.outputTokens))} out`,
    usage && usage.costMicros > 0n && costText(Number(usage.costMicros)),
    result.permissionDenials.length > 0 && `refused: ${result.permissionDenials.join(", ")}`,
  ].filter((fact) => typeof fact === "string");
  return (
    <div class={`block block-turn${result.isError ? " is-error" : ""}`}>
      {result.isError && (
        <p class="prose">
          <MarkedText text={result.text || result.kind} />
        </p>
      )}
      <p class="num">
        <span class={`glyph tone-${result.isError ? "bad" : "ok"}`} aria-hidden="true">
          {result.isError ? "✗" : "✓"}
        </span>
        {result.isError ? "Turn failed" : "Turn done"} · <MarkedText text={facts.join(" · ")} />
      </p>
    </div>
  );
}
