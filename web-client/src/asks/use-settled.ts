import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

const settleMs = 500;

/** False for 500 ms after what the key names appeared or changed: a click that was meant for something else does nothing. */
export function useSettled(key: string): boolean {
  const settledKey = useSignal<string | undefined>(undefined);
  useEffect(() => {
    const timer = setTimeout(() => {
      settledKey.value = key;
    }, settleMs);
    return () => clearTimeout(timer);
  }, [key]);
  return settledKey.value === key;
}
