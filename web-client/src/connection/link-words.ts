import { durationText } from "../ui/time-text.ts";
import type { Link } from "./link.ts";

/** How a link is told: a shape, a word that stays while nothing changes, and a detail that may tick. */
export interface LinkWords {
  readonly shape: "●" | "◆" | "◐" | "○" | "◌" | "✕";
  readonly word: string;
  readonly detail: string;
  readonly tone: "ok" | "warn" | "bad" | "off";
}

/** The words for a link. Events behind turn a live one into one that is catching up. */
export function wordsForLink(
  link: Link,
  {
    nowMs,
    latencyMs,
    behind,
  }: { readonly nowMs: number; readonly latencyMs: number | undefined; readonly behind: number },
): LinkWords {
  switch (link.kind) {
    case "connecting":
      return { shape: "◌", word: "connecting", detail: "", tone: "off" };
    case "live":
    case "complete":
      if (behind > 0) return { shape: "◐", word: "catching up", detail: `${behind} events behind`, tone: "warn" };
      return {
        shape: "●",
        word: "live",
        detail: latencyMs === undefined ? "" : `${Math.round(latencyMs)} ms`,
        tone: "ok",
      };
    case "demo":
      return { shape: "◆", word: "demo", detail: "", tone: "warn" };
    case "stale":
      return { shape: "◐", word: "stale", detail: "nothing heard for 25 s", tone: "warn" };
    case "reconnecting": {
      const waitMs = link.retryAt - nowMs;
      const next =
        waitMs > 500 ? `next in ${durationText(Math.ceil(waitMs / 1_000) * 1_000).replace(".0", "")}` : "trying";
      return { shape: "◐", word: "reconnecting", detail: `attempt ${link.attempt}, ${next}`, tone: "warn" };
    }
    case "offline":
      return { shape: "○", word: "offline", detail: "", tone: "bad" };
    case "signed_out":
      return { shape: "✕", word: "signed out", detail: "", tone: "bad" };
    case "forbidden":
    case "refused":
      return { shape: "✕", word: "refused", detail: link.message, tone: "bad" };
  }
}

const severity: Record<Link["kind"], number> = {
  complete: 0,
  live: 1,
  demo: 1,
  connecting: 2,
  stale: 3,
  reconnecting: 4,
  offline: 5,
  forbidden: 6,
  refused: 1,
  signed_out: 7,
};

/** The link that a page with several streams should tell about: the one that is worst off. */
export function worstLink(links: readonly Link[]): Link {
  return links.reduce((worst, link) => (severity[link.kind] > severity[worst.kind] ? link : worst), {
    kind: "complete",
  });
}
