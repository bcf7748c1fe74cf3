/** Runs what single keys stand for, outside text fields and while no dialog is open. */
export function listenForKeys(find: (key: string) => (() => void) | undefined): void {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.repeat) return;
    if (document.querySelector("dialog[open]") || isTyping(event.target)) return;
    const run = find(event.key.length === 1 ? event.key.toUpperCase() : event.key);
    if (!run) return;
    event.preventDefault();
    run();
  });
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element && target.closest("input:not([type=radio]), textarea, select, [contenteditable]") !== null
  );
}
