import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { LongText } from "../ui/long-text.tsx";
import type { TerminalText } from "./terminal-text.tsx";

const loaded = signal<typeof TerminalText>();

/** Text as a terminal shows it, plain until what reads it has been fetched and when it is too long to be laid out at once. */
export function LazyTerminalText({ text }: { readonly text: string }) {
  useEffect(() => {
    if (loaded.peek()) return;
    void import("./terminal-text.tsx").then((module) => {
      loaded.value = module.TerminalText;
    });
  }, []);
  const Text = loaded.value;
  return Text && text.length <= 16_384 ? <Text text={text} /> : <LongText text={text} />;
}
