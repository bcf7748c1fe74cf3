import { type ReadonlySignal, signal } from "@preact/signals";

const patienceMs = 30_000;

/** False once the page has been hidden for 30 s, true again as soon as it is seen. */
export function createSeen(): ReadonlySignal<boolean> {
  const isSeen = signal(true);
  let timer: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (document.visibilityState === "visible") isSeen.value = true;
    else
      timer = setTimeout(() => {
        isSeen.value = false;
      }, patienceMs);
  });
  return isSeen;
}
