import { MarkedText } from "../ui/marked-text.tsx";
import type { Outbox } from "./outbox.ts";

/** What waits for the connection, and can be withdrawn; nothing while nothing does. */
export function OutboxBar({ outbox }: { readonly outbox: Outbox }) {
  const waiting = outbox.waiting.value;
  if (waiting.length === 0) return null;
  return (
    <section class="outbox" aria-label="Outbox">
      <p>
        <strong class="num">{waiting.length}</strong> to be sent when the connection is back:
      </p>
      <ul>
        {waiting.map((call) => (
          <li key={call.title} class="outbox-call">
            <span class="outbox-title">
              <MarkedText text={call.title} />
            </span>
            <button type="button" class="button small" onClick={call.withdraw}>
              Withdraw
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
