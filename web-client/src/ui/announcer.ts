import { type ReadonlySignal, signal } from "@preact/signals";

const politePauseMs = 5_000;

/** What assistive technology is told: politely, at most one message in 5 s, or at once. */
export interface Announcer {
  readonly polite: ReadonlySignal<string>;
  readonly urgent: ReadonlySignal<string>;
  readonly say: (text: string) => void;
  readonly alert: (text: string) => void;
}

/** An announcer that joins what is said in quick succession into one message. */
export function createAnnouncer(after: (ms: number, run: () => void) => void): Announcer {
  const polite = signal("");
  const urgent = signal("");
  let waiting: string[] = [];
  let isPausing = false;
  const flush = () => {
    isPausing = waiting.length > 0;
    if (!isPausing) return;
    polite.value = waiting.join(", ");
    waiting = [];
    after(politePauseMs, flush);
  };
  return {
    polite,
    urgent,
    say: (text) => {
      waiting.push(text);
      if (!isPausing) flush();
    },
    alert: (text) => {
      urgent.value = text;
    },
  };
}
