import { type ReadonlySignal, signal } from "@preact/signals";
import type { LineRange } from "./log/far-log.ts";
import { parseLineRange } from "./log/line-range.ts";

/** What the address says to show. */
export type Route =
  | { readonly kind: "home" }
  | {
      readonly kind: "job";
      readonly id: string;
      readonly view: "log" | undefined;
      readonly askId: string | undefined;
      /** Lines of the log that the address names. */
      readonly lines: LineRange | undefined;
    }
  | { readonly kind: "usage" }
  | { readonly kind: "rules" }
  | { readonly kind: "new"; readonly prefill: URLSearchParams }
  | { readonly kind: "unknown"; readonly path: string };

/** The route of an address of this page. */
export function parseRoute(url: URL): Route {
  const path = url.pathname.replace(/\/+$/, "");
  if (path === "" || path === "/jobs") return { kind: "home" };
  if (path === "/usage") return { kind: "usage" };
  if (path === "/rules") return { kind: "rules" };
  if (path === "/new") return { kind: "new", prefill: url.searchParams };
  const job = /^\/jobs\/(job_[0-9a-z]{16})(\/log)?$/.exec(path);
  const askId = url.searchParams.get("ask") ?? undefined;
  if (job?.[1])
    return { kind: "job", id: job[1], view: job[2] ? "log" : undefined, askId, lines: parseLineRange(url.hash) };
  return { kind: "unknown", path };
}

/** The address as a route, and the way to another one. */
export interface Router {
  readonly route: ReadonlySignal<Route>;
  readonly go: (path: string) => void;
}

/** Binds the route to the browser's history; links inside the page no longer load it anew. */
export function createRouter(): Router {
  const route = signal(parseRoute(new URL(location.href)));
  const read = () => {
    route.value = parseRoute(new URL(location.href));
  };
  const go = (path: string) => {
    if (path !== location.pathname + location.search + location.hash) history.pushState(null, "", path);
    read();
  };
  addEventListener("popstate", read);
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.origin !== location.origin || link.target || link.hash || link.download || event.defaultPrevented)
      return;
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
  return { route, go };
}
