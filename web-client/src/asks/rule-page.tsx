import { timestampMs } from "@bufbuild/protobuf/wkt";
import { useEffect } from "preact/hooks";
import { type AskRule, AskRuleVerdict } from "#gen/job/v1/ask_pb.js";
import { MarkedText } from "../ui/marked-text.tsx";
import { momentText } from "../ui/time-text.ts";
import type { RuleStore } from "./rule-store.ts";

/** The rules that hold, each of which can be revoked. */
export function RulePage({ store }: { readonly store: RuleStore }) {
  useEffect(store.refresh, []);
  const rules = store.rules.value;
  return (
    <section class="sheet" aria-labelledby="rules-title">
      <header class="sheet-head">
        <h1 id="rules-title">Rules that answer permission asks</h1>
      </header>
      {store.failure.value && <p class="refusal">{store.failure.value}</p>}
      {!rules && !store.failure.value && <p class="empty">Reading …</p>}
      {rules?.length === 0 && <p class="empty">No rule holds: every permission is asked of a person.</p>}
      {rules && rules.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        <section class="table-box" aria-label="Rules" tabIndex={0}>
          <table class="is-words">
            <thead>
              <tr>
                {["Rule", "For", "By", "Until", "Decided", "End it"].map((title) => (
                  <th key={title} scope="col">
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rules.map((rule) => (
                <Row key={rule.id} rule={rule} onRevoke={() => store.revoke(rule.id)} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}

function Row({ rule, onRevoke }: { readonly rule: AskRule; readonly onRevoke: () => void }) {
  return (
    <tr>
      <th scope="row">
        {rule.verdict === AskRuleVerdict.DENY ? "Deny " : "Allow "}
        <code>
          <MarkedText text={rule.rule} />
        </code>
      </th>
      <td>
        <MarkedText text={scopeText(rule)} />
      </td>
      <td>
        <MarkedText text={rule.creator?.id ?? "–"} />
      </td>
      <td class="num">{rule.expireTime ? momentText(timestampMs(rule.expireTime), Date.now()) : "–"}</td>
      <td class="num">{rule.decided}</td>
      <td>
        <button type="button" class="button small" onClick={onRevoke}>
          Revoke<span class="visually-hidden"> {rule.rule}</span>
        </button>
      </td>
    </tr>
  );
}

/** Which asks a rule decides, in words. */
function scopeText({ jobId, repository, labels }: AskRule): string {
  const parts = [jobId && `job ${jobId}`, repository, labels.join(", ")].filter(Boolean);
  return parts.join(" · ") || "every job";
}
