import { signal } from "@preact/signals";
import type { Stored } from "../ui/storage.ts";

/** Most jobs whose drafts are kept. */
const maxKept = 20;

/** What was typed to each job's agent and not sent, kept over reloads. */
export interface MessageDrafts {
  readonly read: (jobId: string) => string;
  readonly write: (jobId: string, text: string) => void;
}

/** Drafts in one cell of the browser's storage. */
export function createMessageDrafts(cell: Stored): MessageDrafts {
  const drafts = signal(parseDrafts(cell.read()));
  return {
    read: (jobId) => drafts.value.get(jobId) ?? "",
    write: (jobId, text) => {
      const others = [...drafts.peek()].filter(([id]) => id !== jobId).slice(1 - maxKept);
      drafts.value = new Map(text ? [...others, [jobId, text]] : others);
      cell.write(JSON.stringify(Object.fromEntries(drafts.peek())));
    },
  };
}

function parseDrafts(text: string | null): ReadonlyMap<string, string> {
  if (!text) return new Map();
  try {
    const kept = Object.entries(Object(JSON.parse(text)));
    return new Map(kept.flatMap(([id, draft]) => (typeof draft === "string" ? [[id, draft] as const] : [])));
  } catch {
    // Kept by another version of the page, or broken.
    return new Map();
  }
}
