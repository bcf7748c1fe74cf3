import { useEffect } from "preact/hooks";
import type { LogReading } from "./log-reading.ts";

const announceMs = 10_000;

/** Says every 10 s how many lines came, for as long as the reader wishes it. */
export function useNewLineCount(reading: LogReading, say: ((text: string) => void) | undefined): void {
  const isOn = reading.announces.value && say !== undefined;
  useEffect(() => {
    if (!isOn) return;
    const lines = () => reading.window.frame.peek()?.facts.lines ?? 0;
    let told = lines();
    const timer = setInterval(() => {
      const now = lines();
      if (now > told) say(`${(now - told).toLocaleString("en")} new lines`);
      told = now;
    }, announceMs);
    return () => clearInterval(timer);
  }, [isOn, reading]);
}
