import { useEffect, useRef } from "preact/hooks";
import { pageKeys } from "./actions.ts";
import { groupKeys, type KeyScope } from "./key-map.ts";
import type { Page } from "./page.ts";

const scopes: readonly (readonly [scope: KeyScope, title: string])[] = [
  ["global", "Anywhere"],
  ["job", "With a job selected"],
  ["log", "In the log, while it has focus"],
];

/** Every key of the page, as it is in force. */
export function KeyHelp({ page, onClose }: { readonly page: Page; readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const keys = pageKeys(page);
  return (
    <dialog ref={dialog} class="key-help plate" aria-labelledby="key-help-title" onClose={onClose}>
      <header class="sheet-head">
        <h2 id="key-help-title">Keys</h2>
        <button type="button" class="button small" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </header>
      {!page.settings.value.value.hasKeys && <p class="refusal">Single keys are switched off in the settings.</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <section class="key-lists" aria-label="All keys" tabIndex={0}>
        {scopes.map(([scope, title]) => (
          <section key={scope} aria-label={title}>
            <h3 class="plate-title">{title}</h3>
            <dl class="key-list">
              {keys
                .filter((binding) => binding.scope === scope)
                .map(({ action, key, title: what }) => (
                  <Key key={action} name={key} what={what} />
                ))}
              {scope === "global" && (
                <>
                  <Key name={groupKeys.recall} what="Go to a group of jobs" />
                  <Key name={groupKeys.store} what="Keep the selected jobs as a group" />
                </>
              )}
            </dl>
          </section>
        ))}
      </section>
    </dialog>
  );
}

function Key({ name, what }: { readonly name: string; readonly what: string }) {
  return (
    <div class="key-line">
      <dt>
        <kbd>{name}</kbd>
      </dt>
      <dd>{what}</dd>
    </div>
  );
}
