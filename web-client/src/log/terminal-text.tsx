import { useMemo } from "preact/hooks";
import { Spans } from "./span-view.tsx";
import { plainStyle } from "./worker/ansi-style.ts";
import { readLine, toSpans } from "./worker/line-spans.ts";

/** Text as a terminal shows it: colours, links, and of what was drawn over the last state. Meant for a `<pre>`. */
export function TerminalText({ text }: { readonly text: string }) {
  const lines = useMemo(() => readLines(text), [text]);
  return (
    <>
      {lines.map((spans, index) => (
        <span key={index}>
          <Spans spans={spans} />
          {index < lines.length - 1 && "\n"}
        </span>
      ))}
    </>
  );
}

function readLines(text: string) {
  let style = plainStyle;
  return text.split("\n").map((line) => {
    const { runs, end } = readLine(line, style);
    style = end;
    return toSpans(runs, { most: Number.POSITIVE_INFINITY, hits: [] }).spans;
  });
}
