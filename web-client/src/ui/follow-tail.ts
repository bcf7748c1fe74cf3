import { type Signal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect } from "preact/hooks";

const endToleranceInPx = 4;

/** Whether a scrolling box keeps its end in view, and what its element needs for that. */
export interface FollowTail {
  readonly isFollowing: Signal<boolean>;
  readonly onScroll: () => void;
  readonly resume: () => void;
}

/** Keeps the end of a box in view while it grows, until its reader scrolls up or selects text in it. */
export function useFollowTail(box: RefObject<HTMLElement | null>): FollowTail {
  const isFollowing = useSignal(true);
  const lastTop = useSignal(0);
  const toEnd = () => {
    const element = box.current;
    if (element && isFollowing.peek()) element.scrollTop = element.scrollHeight;
  };
  useLayoutEffect(toEnd);
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const resized = new ResizeObserver(toEnd);
    resized.observe(element);
    const selected = () => {
      const selection = getSelection();
      if (selection && !selection.isCollapsed && element.contains(selection.anchorNode)) isFollowing.value = false;
    };
    document.addEventListener("selectionchange", selected);
    return () => {
      resized.disconnect();
      document.removeEventListener("selectionchange", selected);
    };
  }, []);
  return {
    isFollowing,
    onScroll: () => {
      const element = box.current;
      if (!element) return;
      const isAtEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - endToleranceInPx;
      if (isAtEnd) isFollowing.value = true;
      else if (element.scrollTop < lastTop.peek()) isFollowing.value = false;
      lastTop.value = element.scrollTop;
    },
    resume: () => {
      isFollowing.value = true;
      toEnd();
    },
  };
}
