/** True when a moment is inside quiet hours, "22:00" to "07:00", which may go over midnight. Without both there are none. */
export function isQuiet(at: Date, { from, until }: { readonly from: string; readonly until: string }): boolean {
  if (!from || !until) return false;
  const two = (value: number) => String(value).padStart(2, "0");
  const now = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return from <= until ? now >= from && now < until : now >= from || now < until;
}
