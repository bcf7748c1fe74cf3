import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { Runner } from "#gen/fleet/v1/runner_pb.js";
import { MarkedText } from "../ui/marked-text.tsx";
import { asSentence } from "../ui/sentence.ts";
import { isOnline } from "./runner-store.ts";

/** Says that jobs will wait because no runner answers, and how to start one; nothing while one does. */
export function OfflineBanner({ runners }: { readonly runners: readonly Runner[] | undefined }) {
  if (!runners || runners.some(isOnline)) return null;
  const [runner] = runners;
  return (
    <section class="banner tone-bad" aria-label="No runner online">
      <span aria-hidden="true">○</span>
      <p>
        <strong>{runner ? `${runner.name} is offline.` : "No runner is set up."}</strong>{" "}
        {runner?.lastSeenTime && `Last seen ${timestampDate(runner.lastSeenTime).toLocaleTimeString()}. `}
        {runner?.problem && <MarkedText text={`${asSentence(runner.problem)} `} />}
        Jobs wait and start by themselves when a runner is back.
      </p>
      <a class="banner-link" href="/setup">
        Setup checklist
      </a>
      <details class="banner-more">
        <summary>How to start it</summary>
        <p>
          On the machine that runs the jobs: <code>npm run runner</code>, or as a service:{" "}
          <code>systemctl start blazecraft-runner</code>
        </p>
      </details>
    </section>
  );
}
