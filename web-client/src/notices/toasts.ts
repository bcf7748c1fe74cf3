import { type ReadonlySignal, signal } from "@preact/signals";

const shownMs = 6_000;
const maxShown = 3;

/** A few words that show for a moment. What they tell is never only there. */
export interface Toast {
  readonly text: string;
  readonly tone: "ok" | "bad" | "ask" | "off";
  /** Where to read more. */
  readonly path?: string;
}

/** The words that show now. */
export interface Toasts {
  readonly shown: ReadonlySignal<readonly Toast[]>;
  readonly show: (toast: Toast) => void;
  readonly drop: (toast: Toast) => void;
}

/** Shows each for 6 s, three at once at most. */
export function createToasts(after: (ms: number, run: () => void) => void): Toasts {
  const shown = signal<readonly Toast[]>([]);
  const drop = (toast: Toast) => {
    shown.value = shown.peek().filter((other) => other !== toast);
  };
  return {
    shown,
    drop,
    show: (toast) => {
      shown.value = [...shown.peek(), toast].slice(-maxShown);
      after(shownMs, () => drop(toast));
    },
  };
}
