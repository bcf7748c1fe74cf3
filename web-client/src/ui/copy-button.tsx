import { useSignal } from "@preact/signals";

const saidMs = 2_000;

/** Copies a text, and says so for a moment. */
export function CopyButton({ title, text }: { readonly title: string; readonly text: string }) {
  const said = useSignal("");
  const copy = async () => {
    said.value = await navigator.clipboard.writeText(text).then(
      () => "Copied",
      () => "Not allowed",
    );
    setTimeout(() => {
      said.value = "";
    }, saidMs);
  };
  return (
    <button type="button" class="button small" onClick={() => void copy()}>
      {said.value || title}
    </button>
  );
}
