import { MarkedText } from "../ui/marked-text.tsx";
import type { InputPart } from "./input-parts.ts";

/** A tool's whole input, piece by piece, as text. */
export function InputView({ parts }: { readonly parts: readonly InputPart[] }) {
  return (
    <dl class="input-parts">
      {parts.map((part, index) => (
        <div key={index} class={`input-part is-${part.kind}`}>
          <dt>{part.title}</dt>
          <dd>
            <pre class="mono">
              <MarkedText text={part.text} />
            </pre>
          </dd>
        </div>
      ))}
    </dl>
  );
}
