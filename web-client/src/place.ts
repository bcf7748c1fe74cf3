import type { Transport } from "@connectrpc/connect";
import type { ComponentChildren } from "preact";
import { isPageOutdated } from "./connection/outdated.ts";
import { createPageTransport } from "./transport.ts";
import type { TextStorage } from "./ui/storage.ts";

/** Where the page lives: at its gateway, or in a demo. What is kept in one place is never seen in the other. */
export interface Place {
  readonly isDemo: boolean;
  readonly connect: (apiKey: () => string) => Transport;
  /** Outlives the tab. */
  readonly storage: () => TextStorage;
  /** Lives as long as the tab. */
  readonly tabStorage: () => TextStorage;
  /** Whether this page is not the one that is served any more. */
  readonly isOutdated: () => Promise<boolean>;
  /** Says what is played; nothing at a gateway. */
  readonly badge: ComponentChildren;
}

/** The page at the gateway that serves it. `?rpc=json` makes its calls readable. */
export function liveAt({ origin, search }: Pick<Location, "origin" | "search">): Place {
  const json = new URLSearchParams(search).get("rpc") === "json";
  return {
    isDemo: false,
    connect: (apiKey) => createPageTransport({ origin, json, apiKey }),
    storage: () => localStorage,
    tabStorage: () => sessionStorage,
    isOutdated: isPageOutdated,
    badge: undefined,
  };
}
