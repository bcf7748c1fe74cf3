/** How a stream to the gateway stands, as the page tells it. */
export type Link =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  /** Live, but with a gateway that is only played. */
  | { readonly kind: "demo" }
  /** Nothing was heard for so long that the stream was given up; the first new attempt is under way. */
  | { readonly kind: "stale" }
  | { readonly kind: "reconnecting"; readonly attempt: number; readonly retryAt: number; readonly since: number }
  /** The browser itself says it has no network. */
  | { readonly kind: "offline"; readonly since: number }
  | { readonly kind: "signed_out" }
  /** The caller is known and lacks a right. */
  | { readonly kind: "forbidden"; readonly message: string }
  /** The gateway refused for good; asking again changes nothing. */
  | { readonly kind: "refused"; readonly message: string }
  /** Everything there is has been read. */
  | { readonly kind: "complete" };

/** True when what the page shows may be out of date. */
export function isBroken(link: Link): link is Extract<Link, { since: number }> {
  return link.kind === "reconnecting" || link.kind === "offline";
}

/** True when what is sent now gets through. */
export function isLive({ kind }: Link): boolean {
  return kind === "live" || kind === "demo";
}
