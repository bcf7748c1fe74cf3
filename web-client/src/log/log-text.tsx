import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { MarkedText } from "../ui/marked-text.tsx";
import type { LogReading } from "./log-reading.ts";

const linesPerText = 1_000;

/** The log as plain text, a thousand lines at a time, for those who read it with other means than eyes. */
export function LogText({ reading }: { readonly reading: LogReading }) {
  const { port, frame, lineInView } = reading.window;
  const total = frame.value?.facts.totalLines ?? 0;
  const pages = Math.max(1, Math.ceil(total / linesPerText));
  const page = useSignal(Math.floor((lineInView - 1) / linesPerText));
  const text = useSignal("");
  const from = page.value * linesPerText + 1;
  const to = Math.min(total, from + linesPerText - 1);
  useEffect(() => {
    let isWanted = true;
    void port.readText({ from, to }, "plain").then((read) => {
      if (isWanted) text.value = read;
    });
    return () => {
      isWanted = false;
    };
  }, [port, from, to]);
  const turn = (step: number) => {
    page.value = Math.min(pages - 1, Math.max(0, page.peek() + step));
  };
  return (
    <section class="log-pages" aria-label="Log as text">
      <nav class="row log-bar" aria-label="Pages of the log">
        <button type="button" class="button small" disabled={page.value === 0} onClick={() => turn(-1)}>
          Previous page
        </button>
        <span class="num">
          Lines {from.toLocaleString("en")}–{to.toLocaleString("en")} of {total.toLocaleString("en")}
        </span>
        <button type="button" class="button small" disabled={page.value >= pages - 1} onClick={() => turn(1)}>
          Next page
        </button>
      </nav>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard */}
      <pre class="log-box is-wrapped mono" tabIndex={0}>
        <MarkedText text={text.value} />
      </pre>
    </section>
  );
}
