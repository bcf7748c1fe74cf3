import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** Hears the events of a kind that rise to an element from what is inside it. */
export function useListener<Kind extends keyof HTMLElementEventMap>(
  element: RefObject<HTMLElement | null>,
  kind: Kind,
  hear: (event: HTMLElementEventMap[Kind]) => void,
): void {
  const newest = useRef(hear);
  newest.current = hear;
  useEffect(() => {
    const listening = element.current;
    const listen = (event: HTMLElementEventMap[Kind]) => newest.current(event);
    listening?.addEventListener(kind, listen);
    return () => listening?.removeEventListener(kind, listen);
  }, [element, kind]);
}
