import { clock } from "../ui/clock.ts";
import { isBroken, type Link } from "./link.ts";

const patienceMs = 5_000;

/** A thin bar over a view that may be out of date, once a break has lasted 5 s. */
export function StaleBar({ link }: { readonly link: Link }) {
  if (!isBroken(link) || clock.value - link.since < patienceMs) return null;
  return (
    <p class="stale-bar">
      No connection to the gateway. This is as of <time class="num">{new Date(link.since).toLocaleTimeString()}</time>.
    </p>
  );
}
