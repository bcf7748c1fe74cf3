import type { FromWorker, ToWorker } from "./log-messages.ts";
import workerUrl from "./worker/log-worker.ts?worker&url";

/** The worker that holds a log. */
export interface LogThread {
  readonly post: (message: ToWorker, transfer?: readonly Transferable[]) => void;
  readonly close: () => void;
}

/** Starts a worker; what it says is heard until it is closed. */
export function startLogThread(hear: (message: FromWorker) => void): LogThread {
  const worker = new Worker(trusted(workerUrl), { type: "module", name: "log" });
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => hear(data);
  return {
    post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    close: () => worker.terminate(),
  };
}

interface TrustedTypes {
  readonly createPolicy: (
    name: string,
    rules: { createScriptURL: (url: string) => string },
  ) => {
    readonly createScriptURL: (url: string) => string;
  };
}

/** Under Trusted Types only a policy may name a script; this one names the page's own worker and nothing else. */
function trusted(url: string): string {
  const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };
  policy ??= trustedTypes?.createPolicy("log-worker", {
    createScriptURL: (asked) => (asked === workerUrl ? asked : ""),
  });
  return policy?.createScriptURL(url) ?? url;
}

let policy: ReturnType<TrustedTypes["createPolicy"]> | undefined;
