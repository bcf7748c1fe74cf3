import { type ReadonlySignal, signal } from "@preact/signals";
import { stored, type TextStorage } from "../ui/storage.ts";

/** The API key of this tab. It is kept for the tab's life alone, never in an address or across tabs. */
export interface Session {
  readonly apiKey: ReadonlySignal<string>;
  readonly useKey: (key: string) => void;
}

/** The session kept in a tab's storage; onChange runs when another key is used. */
export function createSession(storage: () => TextStorage, onChange: () => void): Session {
  const cell = stored(storage, "blazecraft.api-key");
  const apiKey = signal(cell.read() ?? "");
  return {
    apiKey,
    useKey: (key) => {
      apiKey.value = key.trim();
      cell.write(apiKey.value);
      onChange();
    },
  };
}
