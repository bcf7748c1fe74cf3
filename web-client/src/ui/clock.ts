import { type ReadonlySignal, signal } from "@preact/signals";

let timer: ReturnType<typeof setInterval> | undefined;

const ticking = signal(Date.now(), {
  watched: start,
  unwatched: stop,
});

/** The time, once a second, and only while something on screen reads it. */
export const clock: ReadonlySignal<number> = ticking;

function start(): void {
  tick();
  timer ??= setInterval(tick, 1_000);
}

function stop(): void {
  clearInterval(timer);
  timer = undefined;
}

function tick(): void {
  if (document.visibilityState === "visible") ticking.value = Date.now();
}
