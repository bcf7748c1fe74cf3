import { useEffect } from "preact/hooks";
import { CopyButton } from "../ui/copy-button.tsx";
import { MarkedText } from "../ui/marked-text.tsx";
import type { CheckState, SetupCheck, SetupChecklist } from "./setup-checks.ts";

/** Whether everything is in place, checked live, and what to do where it is not. */
export function SetupPage({ checklist }: { readonly checklist: SetupChecklist }) {
  useEffect(() => {
    void checklist.run();
  }, []);
  const checks = checklist.checks.value;
  const isRunning = checks.some(({ state }) => state.kind === "running");
  const isDone = checks.every(({ state }) => state.kind === "passed");
  return (
    <section class="sheet" aria-labelledby="setup-title">
      <header class="sheet-head">
        <h1 id="setup-title">Setup checklist</h1>
        <button type="button" class="button small" disabled={isRunning} onClick={() => void checklist.run()}>
          Check again
        </button>
      </header>
      <ol class="setup-checks">
        {checks.map((check) => (
          <Check key={check.title} check={check} />
        ))}
      </ol>
      {isDone ? (
        <p>
          Everything is in place.{" "}
          <a class="button primary" href="/new">
            Run your first job
          </a>
        </p>
      ) : (
        <p class="empty">Each check goes a step further than the one before; what comes after one that failed waits.</p>
      )}
    </section>
  );
}

const signs: Record<CheckState["kind"], readonly [sign: string, word: string, tone: string]> = {
  waiting: ["○", "waits", "off"],
  running: ["◔", "checking", "run"],
  passed: ["✓", "in place", "ok"],
  failed: ["✗", "not in place", "bad"],
};

function Check({ check }: { readonly check: SetupCheck }) {
  const { title, fix, curl, state } = check;
  const [sign, word, tone] = signs[state.kind];
  return (
    <li class={`setup-check plate tone-${tone}`}>
      <p class="setup-title">
        <span class={`glyph tone-${tone}`} aria-hidden="true">
          {sign}
        </span>
        <strong>{title}</strong>
        <span class="state-word">{word}</span>
      </p>
      {"found" in state && (
        <p>
          <MarkedText text={state.found} />
        </p>
      )}
      {state.kind === "failed" && <p>{fix}</p>}
      <div class="setup-curl">
        <code>
          <MarkedText text={curl} />
        </code>
        <CopyButton title="Copy" text={curl} />
      </div>
    </li>
  );
}
