import { ConnectError } from "@connectrpc/connect";
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Diff } from "#gen/job/v1/job_service_pb.js";
import type { Gateway } from "../transport.ts";
import { asSentence } from "../ui/sentence.ts";

/** What is known of what a job changed. */
export type ReadDiff =
  | { readonly kind: "reading" }
  | { readonly kind: "read"; readonly diff: Diff }
  /** One sentence. */
  | { readonly kind: "failed"; readonly message: string };

/** What the job that is shown changed. */
export interface DiffStore {
  /** Undefined until one was asked for. */
  readonly shown: ReadonlySignal<(ReadDiff & { readonly jobId: string }) | undefined>;
  /** Reads it anew; what is shown of the same job stays meanwhile. */
  readonly read: (jobId: string) => Promise<void>;
}

/** Reads diffs when they are asked for. */
export function createDiffStore(jobs: Pick<Gateway["jobs"], "getDiff">): DiffStore {
  const shown = signal<(ReadDiff & { readonly jobId: string }) | undefined>();
  let asked = 0;
  return {
    shown,
    read: async (jobId) => {
      asked += 1;
      const number = asked;
      if (shown.peek()?.jobId !== jobId || shown.peek()?.kind === "failed") shown.value = { kind: "reading", jobId };
      const answer = await jobs.getDiff({ id: jobId }).then(
        ({ diff }): ReadDiff =>
          diff ? { kind: "read", diff } : { kind: "failed", message: "The gateway answered without a diff." },
        (error: unknown): ReadDiff => ({ kind: "failed", message: asSentence(ConnectError.from(error).rawMessage) }),
      );
      // Another may have been asked for meanwhile.
      if (number === asked) shown.value = { ...answer, jobId };
    },
  };
}
