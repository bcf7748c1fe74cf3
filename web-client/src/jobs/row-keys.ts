/** Moves the focus between the rows of a list with the arrow keys; with Shift, the rows on the way are picked. */
export function walkRows(event: KeyboardEvent, pick: (id: string) => void): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined || !(event.currentTarget instanceof Element) || !(event.target instanceof Element)) return;
  const rows = [...event.currentTarget.querySelectorAll<HTMLElement>("a[data-job]")];
  const here = event.target.closest("li")?.querySelector<HTMLElement>("a[data-job]");
  const next = here && rows[rows.indexOf(here) + step];
  if (!next) return;
  event.preventDefault();
  if (event.shiftKey) for (const row of [here, next]) pick(row.dataset.job ?? "");
  next.focus();
}
