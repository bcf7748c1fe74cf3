import type { Span } from "./log-row.ts";

/** Runs of terminal text, as text nodes only. */
export function Spans({ spans }: { readonly spans: readonly Span[] }) {
  return <>{spans.map(drawSpan)}</>;
}

function drawSpan({ text, colour, ground, classes, href, isMark, isHit }: Span, key: number) {
  const names = [classes, isMark && "mark", isHit && "log-hit"].filter(Boolean).join(" ");
  const look = {
    ...(names ? { class: names } : {}),
    ...(colour || ground ? { style: { color: colour, backgroundColor: ground } } : {}),
  };
  if (href) {
    return (
      <a key={key} {...look} href={href} target="_blank" rel="noopener noreferrer" title={href} tabIndex={-1}>
        {text}
      </a>
    );
  }
  if (!names && !colour && !ground) return text;
  return (
    <span key={key} {...look}>
      {text}
    </span>
  );
}
