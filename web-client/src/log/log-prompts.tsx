import { useLayoutEffect, useRef } from "preact/hooks";
import { Action } from "./log-action.tsx";
import type { SearchFacts } from "./log-messages.ts";
import type { LogReading } from "./log-reading.ts";

const typingPauseMs = 120;

/** What to search for, and what was found. */
export function SearchPrompt({ reading }: { readonly reading: LogReading }) {
  const field = useFocusedField(reading);
  const { query, isFiltering, matchAt, window } = reading;
  const { text, isExpression, matchCase } = query.value;
  const timer = useRef(0);
  const facts = window.frame.value?.search;
  const close = () => {
    reading.closePrompt();
    focusLog(field.current);
  };
  return (
    <>
      <input
        ref={field}
        type="search"
        class="log-field mono"
        aria-label="Search the log"
        placeholder="Search"
        value={text}
        onInput={(event) => {
          const next = { ...query.peek(), text: event.currentTarget.value };
          clearTimeout(timer.current);
          timer.current = setTimeout(() => reading.search(next), typingPauseMs) as unknown as number;
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape") close();
          else if (event.key !== "Enter") return;
          else void reading.step("match", event.shiftKey ? -1 : 1);
          event.preventDefault();
        }}
      />
      <span class="log-state num" role="status">
        {facts && matchText(facts, matchAt.value)}
      </span>
      <Action title="Previous" keys="Shift+N" onPress={() => void reading.step("match", -1)} />
      <Action title="Next" keys="n" onPress={() => void reading.step("match", 1)} />
      <Action
        title="Aa"
        isPressed={matchCase}
        onPress={() => reading.search({ ...query.peek(), matchCase: !matchCase })}
      />
      <Action
        title=".*"
        isPressed={isExpression}
        onPress={() => reading.search({ ...query.peek(), isExpression: !isExpression })}
      />
      <Action title="Filter" isPressed={isFiltering.value} onPress={() => reading.toggleFilter()} />
      <Action title="Close" keys="Escape" onPress={close} />
    </>
  );
}

function matchText({ count, isDone, failure }: SearchFacts, at: number | undefined): string {
  if (failure) return failure;
  const of = at === undefined ? "" : `${(at + 1).toLocaleString("en")} of `;
  const found = `${of}${count.toLocaleString("en")} ${count === 1 ? "match" : "matches"}`;
  return isDone ? found : `${found} so far`;
}

/** Which line to go to. */
export function LinePrompt({ reading }: { readonly reading: LogReading }) {
  const field = useFocusedField(reading);
  const line = reading.lineText;
  const close = () => {
    reading.closePrompt();
    focusLog(field.current);
  };
  return (
    <>
      <input
        ref={field}
        class="log-field mono"
        inputMode="numeric"
        aria-label="Go to line"
        placeholder="Line"
        value={line.value}
        onInput={(event) => {
          line.value = event.currentTarget.value.replace(/\D/g, "");
        }}
        onKeyDown={(event) => {
          if (event.key !== "Enter" && event.key !== "Escape") return;
          event.preventDefault();
          const number = Number(line.peek());
          if (event.key === "Enter" && number > 0) void reading.goToLine(number);
          close();
        }}
      />
      <span class="log-state" />
    </>
  );
}

function useFocusedField(reading: LogReading) {
  const field = useRef<HTMLInputElement>(null);
  // Before the next key is pressed, or it would go to the log.
  useLayoutEffect(() => {
    field.current?.focus();
    const { length = 0 } = field.current?.value ?? "";
    field.current?.setSelectionRange(reading.hasTypedAhead ? length : 0, length);
  }, []);
  return field;
}

/** Gives the focus back to the log around a field that goes away. */
function focusLog(field: HTMLElement | null): void {
  field?.closest(".log")?.querySelector<HTMLElement>(".log-box")?.focus();
}
