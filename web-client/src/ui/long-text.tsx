import { useSignal } from "@preact/signals";
import { MarkedText } from "./marked-text.tsx";

const shownCharacters = 16_384;

/** Text from outside of which only the beginning is laid out until all is asked for. */
export function LongText({ text }: { readonly text: string }) {
  const isWhole = useSignal(false);
  if (isWhole.value || text.length <= shownCharacters) return <MarkedText text={text} />;
  return (
    <>
      <MarkedText text={text.slice(0, shownCharacters)} />
      {"\n"}
      <button
        type="button"
        class="button small"
        onClick={() => {
          isWhole.value = true;
        }}
      >
        Show all {text.length.toLocaleString("en")} characters
      </button>
    </>
  );
}
