import { useEffect, useRef } from "preact/hooks";
import type { Session } from "./session.ts";

/** Asks for an API key, over the dimmed page, whose drafts stay as they are. */
export function SignIn({ session, onClose }: { readonly session: Session; readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const wasRefused = session.apiKey.value !== "";
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement)) return;
    const key = new FormData(event.currentTarget).get("key");
    if (typeof key !== "string" || !key.trim()) return;
    session.useKey(key);
    onClose();
  };
  return (
    <dialog ref={dialog} class="sign-in plate" aria-labelledby="sign-in-title" onClose={onClose}>
      <form onSubmit={submit}>
        <h2 id="sign-in-title">Signed out</h2>
        <p>
          {wasRefused ? "The gateway refused this API key. " : "This gateway wants to know who you are. "}
          Paste an API key; it is kept for this tab only. Drafts are safe.
        </p>
        <label class="field">
          <span class="field-label">API key</span>
          <input name="key" type="password" autocomplete="off" spellcheck={false} placeholder="bc_…" required />
        </label>
        <div class="row end">
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Not now
          </button>
          <button type="submit" class="button primary">
            Sign in
          </button>
        </div>
      </form>
    </dialog>
  );
}
