import { MarkedText } from "../ui/marked-text.tsx";
import type { Toasts } from "./toasts.ts";

/** The toasts, above the HUD. What they say is announced elsewhere. */
export function ToastStack({ toasts }: { readonly toasts: Toasts }) {
  if (toasts.shown.value.length === 0) return null;
  return (
    <section class="toasts" aria-label="Notices">
      <ol>
        {toasts.shown.value.map((toast) => (
          <li key={toast.text} class={`toast tone-${toast.tone}`}>
            {toast.path ? (
              <a href={toast.path} onClick={() => toasts.drop(toast)}>
                <MarkedText text={toast.text} />
              </a>
            ) : (
              <MarkedText text={toast.text} />
            )}
            <button type="button" class="toast-close" aria-label="Dismiss" onClick={() => toasts.drop(toast)}>
              ×
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}
