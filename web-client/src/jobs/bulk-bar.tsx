import type { Selection } from "./selection.ts";

/** What can be done with the picked jobs; nothing while none is. */
export function BulkBar(props: {
  readonly selection: Selection;
  readonly stop: BulkAction | undefined;
  readonly retry: BulkAction | undefined;
}) {
  const { selection, stop, retry } = props;
  const count = selection.ids.value.size;
  if (count === 0) return null;
  return (
    <section class="bulk" aria-label="Selected jobs">
      <span>
        <strong class="num">{count}</strong> selected
      </span>
      {[stop, retry].map(
        (action) =>
          action && (
            <button
              key={action.id}
              type="button"
              class={action.isArmed ? "button small is-risky" : "button small"}
              disabled={!action.isEnabled}
              onClick={action.run}
            >
              {action.title}
            </button>
          ),
      )}
      <button type="button" class="button small" onClick={selection.clear}>
        Clear
      </button>
    </section>
  );
}

interface BulkAction {
  readonly id: string;
  readonly title: string;
  readonly isEnabled: boolean;
  readonly isArmed: boolean;
  readonly run: () => void;
}
