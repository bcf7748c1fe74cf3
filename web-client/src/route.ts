import { type ReadonlySignal, signal } from "@preact/signals";
import { type JobFilter, parseJobFilter } from "./jobs/job-filter.ts";

/** The views of a job, each with an address. */
export const jobViews = ["transcript", "log", "diff", "timeline", "details"] as const;

/** One of them. */
export type JobView = (typeof jobViews)[number];

/** What the address says to show. */
export type Route =
  | { readonly kind: "fleet" }
  | { readonly kind: "jobs"; readonly filter: JobFilter }
  | {
      readonly kind: "job";
      readonly id: string;
      /** Undefined for the one that fits the job. */
      readonly view: JobView | undefined;
      readonly askId: string | undefined;
    }
  | { readonly kind: "runners" }
  | { readonly kind: "runner"; readonly name: string }
  | { readonly kind: "usage" | "rules" | "settings" | "setup" }
  | { readonly kind: "new"; readonly prefill: URLSearchParams }
  | { readonly kind: "unknown"; readonly path: string };

/** The route of an address of this page. */
export function parseRoute(url: URL): Route {
  const path = url.pathname.replace(/\/+$/, "");
  const query = url.searchParams;
  switch (path) {
    case "":
      return { kind: "fleet" };
    case "/jobs":
      return { kind: "jobs", filter: parseJobFilter(query) };
    case "/runners":
      return { kind: "runners" };
    case "/usage":
    case "/rules":
    case "/settings":
    case "/setup":
      return { kind: pages[path] };
    case "/new":
      return { kind: "new", prefill: query };
  }
  const [, id, viewName] = /^\/jobs\/(job_[0-9a-z]{16})(?:\/([a-z]+))?$/.exec(path) ?? [];
  const view = jobViews.find((known) => known === viewName);
  if (id && view === viewName) return { kind: "job", id, view, askId: query.get("ask") ?? undefined };
  const [, name] = /^\/runners\/([a-z0-9][a-z0-9-]{0,63})$/.exec(path) ?? [];
  return name ? { kind: "runner", name } : { kind: "unknown", path };
}

const pages = { "/usage": "usage", "/rules": "rules", "/settings": "settings", "/setup": "setup" } as const;

/** The address of a view of a job; without a view, of the one that fits it. */
export function jobPath(id: string, view?: JobView): string {
  return view ? `/jobs/${id}/${view}` : `/jobs/${id}`;
}

/** The address as a route, and the way to another one. */
export interface Router {
  readonly route: ReadonlySignal<Route>;
  /** Goes to a path; replace leaves no step back to where the page was. */
  readonly go: (path: string, how?: { readonly replace: boolean }) => void;
}

/** Binds the route to the browser's history; links inside the page no longer load it anew. */
export function createRouter(): Router {
  const route = signal(parseRoute(new URL(location.href)));
  const read = () => {
    route.value = parseRoute(new URL(location.href));
  };
  const go = (path: string, { replace } = { replace: false }) => {
    if (path !== location.pathname + location.search + location.hash) {
      if (replace) history.replaceState(null, "", path);
      else history.pushState(null, "", path);
    }
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
