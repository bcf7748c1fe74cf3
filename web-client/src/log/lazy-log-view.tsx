import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { LogView, LogViewProps } from "./log-view.tsx";

const view = signal<typeof LogView>();

/** A log, whose viewer is fetched when the first one is shown. */
export function LazyLogView(props: LogViewProps) {
  useEffect(() => void fetchLogView(), []);
  const View = view.value;
  if (View) return <View key={viewKey(props)} {...props} />;
  return (
    <div class="log" aria-busy="true">
      <div class="log-box" />
    </div>
  );
}

/** Fetches the viewer, so that it is there when a log is to be shown. */
export async function fetchLogView(): Promise<void> {
  const { LogView: fetched } = await import("./log-view.tsx");
  view.value = fetched;
}

let lastKey = 0;
const keys = new WeakMap<LogViewProps["log"], number>();

/** Another log is read from its end again, by a new reader. */
function viewKey({ log }: LogViewProps): number {
  const key = keys.get(log) ?? ++lastKey;
  keys.set(log, key);
  return key;
}
