import { signal } from "@preact/signals";
import type { ComponentType } from "preact";

type Loading<P> =
  | { readonly kind: "asked" }
  | { readonly kind: "failed" }
  | { readonly kind: "loaded"; readonly part: ComponentType<P> };

/** A part of the page that is fetched when it is first shown. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  const loading = signal<Loading<P>>();
  const ask = () => {
    loading.value = { kind: "asked" };
    load().then(
      (part) => {
        loading.value = { kind: "loaded", part };
      },
      () => {
        loading.value = { kind: "failed" };
      },
    );
  };
  return function Lazy(props: P) {
    const now = loading.value;
    if (now?.kind === "loaded") return <now.part {...props} />;
    if (now?.kind === "failed") return <Unloadable onRetry={ask} />;
    if (!now) queueMicrotask(ask);
    return (
      <div class="skeleton" aria-busy="true">
        <span class="visually-hidden">Loading</span>
        <i />
        <i />
      </div>
    );
  };
}

/** The gateway cannot be reached, or has another version of the page since. */
function Unloadable({ onRetry }: { readonly onRetry: () => void }) {
  return (
    <section class="welcome">
      <p>This part of the page could not be loaded.</p>
      <div class="row">
        <button type="button" class="button" onClick={onRetry}>
          Try again
        </button>
        <button type="button" class="button" onClick={() => location.reload()}>
          Reload the page
        </button>
      </div>
    </section>
  );
}
