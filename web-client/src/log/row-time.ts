/** What is shown of the time of a line. */
export type TimeShown = "off" | "clock" | "since start" | "since previous";

const order: readonly TimeShown[] = ["off", "clock", "since start", "since previous"];

/** The choice after this one. */
export function nextTimeShown(shown: TimeShown): TimeShown {
  return order[(order.indexOf(shown) + 1) % order.length] ?? "off";
}

/** The time of a line in the way chosen; empty when it is off or not known. */
export function rowTimeText(
  shown: TimeShown,
  { timeMs, startMs, previousMs }: { readonly timeMs: number; readonly startMs: number; readonly previousMs: number },
): string {
  if (shown === "off" || timeMs === 0) return "";
  if (shown === "clock") {
    const time = new Date(timeMs);
    const [hours, minutes, seconds] = [time.getHours(), time.getMinutes(), time.getSeconds()].map((part) =>
      String(part).padStart(2, "0"),
    );
    return `${hours}:${minutes}:${seconds}.${String(time.getMilliseconds()).padStart(3, "0")}`;
  }
  const from = shown === "since start" ? startMs : previousMs;
  return from === 0 ? "" : `+${secondsText(timeMs - from)}`;
}

function secondsText(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 60) return `${seconds.toFixed(3)}`;
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - minutes * 60).toFixed(3).padStart(6, "0")}`;
}
