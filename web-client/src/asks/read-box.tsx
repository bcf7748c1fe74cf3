import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { countLines, type InputPart, isLong } from "./input-parts.ts";

const endToleranceInPx = 4;

/** True once text that must be read before consent has been, for text that is not long from the start. */
export function useHasRead(parts: readonly Pick<InputPart, "text">[]): Signal<boolean> {
  return useSignal(!isLong(parts));
}

/** A box that scrolls by itself; to reach its end, or to tick "I read it", is to have read it. */
export function ReadBox(props: {
  readonly label: string;
  readonly parts: readonly Pick<InputPart, "text">[];
  readonly hasRead: Signal<boolean>;
  readonly children: ComponentChildren;
}) {
  const { parts, hasRead } = props;
  const box = useRef<HTMLElement>(null);
  const look = () => {
    const element = box.current;
    if (element && element.scrollTop + element.clientHeight >= element.scrollHeight - endToleranceInPx) {
      hasRead.value = true;
    }
  };
  useEffect(() => {
    if (!box.current) return;
    const resized = new ResizeObserver(look);
    resized.observe(box.current);
    return () => resized.disconnect();
  }, []);
  return (
    <>
      <section
        ref={box}
        class="ask-input"
        aria-label={props.label}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        tabIndex={0}
        onScroll={look}
      >
        {props.children}
      </section>
      {isLong(parts) && (
        <label class="ask-read">
          <input
            type="checkbox"
            checked={hasRead.value}
            onChange={(event) => {
              hasRead.value = event.currentTarget.checked;
            }}
          />
          <span>
            I read it
            {!hasRead.value && <> ({countLines(parts)} lines; to scroll to the end is to have read it)</>}
          </span>
        </label>
      )}
    </>
  );
}
