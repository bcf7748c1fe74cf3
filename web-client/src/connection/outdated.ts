import { effect, type ReadonlySignal, signal } from "@preact/signals";
import { isBroken, type Link } from "./link.ts";

/**
 * True once the gateway serves another page than this one. It is looked at whenever the connection is back: a gateway
 * that is replaced cuts its streams.
 */
export function watchForNewPage(
  link: ReadonlySignal<Link>,
  isOutdated: () => Promise<boolean>,
): ReadonlySignal<boolean> {
  const found = signal(false);
  let wasBroken = false;
  effect(() => {
    const now = link.value;
    if (isBroken(now) || now.kind === "stale") wasBroken = true;
    else if (wasBroken && (now.kind === "live" || now.kind === "demo")) {
      wasBroken = false;
      void isOutdated().then((is) => {
        found.value ||= is;
      });
    }
  });
  return found;
}

/** Compares the script that this page runs with the one that the gateway's page names now. */
export async function isPageOutdated(): Promise<boolean> {
  const mine = document.querySelector<HTMLScriptElement>("script[type=module][src]");
  if (!mine) return false;
  try {
    const response = await fetch("/", { cache: "no-cache" });
    const html = await response.text();
    return response.ok && html.includes("<script") && !html.includes(new URL(mine.src).pathname);
  } catch {
    // The connection broke again; the next time it is back is time enough.
    return false;
  }
}
