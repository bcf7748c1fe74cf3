import { keyText } from "./key-map.ts";

/**
 * Runs what keys stand for while no dialog is open: those with Ctrl anywhere, single ones outside text fields. A key
 * that something on the page took for itself is left alone.
 */
export function listenForKeys(find: (key: string) => (() => void) | undefined): void {
  addEventListener("keydown", (event) => {
    if (event.altKey || event.defaultPrevented || event.repeat || document.querySelector("dialog[open]")) return;
    const key = keyText(event);
    if (!key.startsWith("Ctrl+") && takesKeys(event.target, key)) return;
    const run = find(key);
    if (!run) return;
    event.preventDefault();
    run();
  });
}

/** True for fields that are typed in, and for Space on whatever Space presses or scrolls. */
function takesKeys(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof Element)) return false;
  const typedIn = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]";
  const pressed = "button, summary, input, [role=tab], [role=log]";
  return target.closest(typedIn) !== null || (key === "Space" && target.closest(pressed) !== null);
}
