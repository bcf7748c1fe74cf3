import { type ReadonlySignal, signal } from "@preact/signals";
import { stored, type TextStorage } from "../ui/storage.ts";

/** Jobs that a person picked, to do something with several at once. */
export interface Selection {
  readonly ids: ReadonlySignal<ReadonlySet<string>>;
  readonly toggle: (id: string) => void;
  readonly add: (id: string) => void;
  readonly clear: () => void;
  /** Keeps jobs under a digit. */
  readonly store: (group: string, ids: readonly string[]) => void;
  /** Picks the jobs kept under a digit, and answers them. */
  readonly recall: (group: string) => readonly string[];
}

/** A selection of nothing; its groups are remembered. */
export function createSelection(storage: () => TextStorage): Selection {
  const cell = stored(storage, "blazecraft.groups");
  const ids = signal<ReadonlySet<string>>(new Set());
  let groups = parseGroups(cell.read());
  return {
    ids,
    toggle: (id) => {
      const next = new Set(ids.peek());
      if (!next.delete(id)) next.add(id);
      ids.value = next;
    },
    add: (id) => {
      ids.value = new Set(ids.peek()).add(id);
    },
    clear: () => {
      ids.value = new Set();
    },
    store: (group, stored) => {
      groups = new Map(groups).set(group, stored);
      cell.write(JSON.stringify(Object.fromEntries(groups)));
    },
    recall: (group) => {
      const kept = groups.get(group) ?? [];
      ids.value = new Set(kept.length > 1 ? kept : []);
      return kept;
    },
  };
}

function parseGroups(text: string | null): ReadonlyMap<string, readonly string[]> {
  if (!text) return new Map();
  try {
    const kept = Object.entries(Object(JSON.parse(text)));
    return new Map(kept.flatMap(([group, ids]) => (Array.isArray(ids) ? [[group, ids.filter(isText)]] : [])));
  } catch {
    // Kept by another version of the page, or broken.
    return new Map();
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
