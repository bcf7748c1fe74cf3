import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { listActions, pageKeys } from "./actions.ts";
import { wordsForStatus } from "./jobs/job-state.ts";
import { jobTitle } from "./jobs/job-words.ts";
import type { Page } from "./page.ts";
import { jobPath } from "./route.ts";
import { MarkedText } from "./ui/marked-text.tsx";

const maxShown = 40;

interface Entry {
  readonly key: string;
  readonly sign: string;
  readonly title: string;
  readonly hint: string;
  readonly run: () => void;
}

/** Everything that can be done or gone to, found by typing part of its name. */
export function Palette({ page, onClose }: { readonly page: Page; readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const typed = useSignal("");
  const at = useSignal(0);
  useEffect(() => dialog.current?.showModal(), []);
  const entries = findEntries(page, typed.value);
  const chosen = Math.min(at.value, entries.length - 1);
  const run = (entry: Entry | undefined) => {
    if (!entry) return;
    dialog.current?.close();
    // After the dialog has given the focus back, so that what is run may take it.
    setTimeout(entry.run);
  };
  const press = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) at.value = (chosen + step + entries.length) % Math.max(1, entries.length);
    else if (event.key === "Enter") run(entries[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <dialog ref={dialog} class="palette plate" aria-label="Command palette" onClose={onClose}>
      <input
        role="combobox"
        aria-label="Find a job, a runner or an action"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={entries[chosen] ? `palette-${chosen}` : undefined}
        autocomplete="off"
        placeholder="Job, runner or action"
        value={typed.value}
        onInput={(event) => {
          typed.value = event.currentTarget.value;
          at.value = 0;
        }}
        onKeyDown={press}
      />
      <div id="palette-list" role="listbox" aria-label="Found" class="palette-list" tabIndex={-1}>
        {entries.map((entry, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the field above, which keeps the focus
          <div
            key={entry.key}
            id={`palette-${index}`}
            role="option"
            tabIndex={-1}
            class="palette-entry"
            aria-selected={index === chosen}
            ref={(element) => {
              if (index === chosen) element?.scrollIntoView({ block: "nearest" });
            }}
            onClick={() => run(entry)}
          >
            <span class="glyph" aria-hidden="true">
              {entry.sign}
            </span>
            <span class="palette-title">
              <MarkedText text={entry.title} />
            </span>
            <span class="palette-hint">{entry.hint}</span>
          </div>
        ))}
      </div>
      {entries.length === 0 && <p class="empty">Nothing is called that.</p>}
    </dialog>
  );
}

function findEntries(page: Page, typed: string): readonly Entry[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = ({ title }: Entry) => words.every((word) => title.toLowerCase().includes(word));
  return [...actionEntries(page), ...runnerEntries(page), ...jobEntries(page)].filter(matches).slice(0, maxShown);
}

function actionEntries(page: Page): readonly Entry[] {
  const keys = new Map(pageKeys(page).map(({ action, key, title }) => [action, { key, title }]));
  return listActions(page)
    .filter(({ id, isEnabled }) => isEnabled && id !== "palette")
    .map(({ id, title, glyph, run }) => {
      const binding = keys.get(id);
      return { key: `action ${id}`, sign: glyph, title: binding?.title ?? title, hint: binding?.key ?? "", run };
    });
}

function runnerEntries({ runners, go }: Page): readonly Entry[] {
  return (runners.runners.value ?? []).map(({ name }) => ({
    key: `runner ${name}`,
    sign: "▣",
    title: name,
    hint: "runner",
    run: () => go(`/runners/${name}`),
  }));
}

function jobEntries({ jobs, go }: Page): readonly Entry[] {
  return jobs.list.value.jobs.map((job) => ({
    key: `job ${job.id}`,
    sign: wordsForStatus(job.status).glyph,
    title: jobTitle(job),
    hint: wordsForStatus(job.status).word,
    run: () => go(jobPath(job.id)),
  }));
}
