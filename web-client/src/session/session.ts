import { type ReadonlySignal, signal } from "@preact/signals";
import { stored } from "../ui/storage.ts";

/** The API key of this tab. It is kept for the tab's life alone, never in an address or across tabs. */
export interface Session {
  readonly apiKey: ReadonlySignal<string>;
  readonly useKey: (key: string) => void;
}

/** The session of this tab; onChange runs when another key is used. */
export function createSession(onChange: () => void): Session {
  const cell = stored(() => sessionStorage, "blazecraft.api-key");
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
