import { ConnectError } from "@connectrpc/connect";
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Gateway } from "../transport.ts";
import { asSentence } from "../ui/sentence.ts";

/** Lets jobs reach hosts. */
export interface Allowing {
  /** What is on its way, each as its job's id and the place. */
  readonly asked: ReadonlySignal<ReadonlySet<string>>;
  /** Why the last one could not be allowed, by job. */
  readonly failures: ReadonlySignal<ReadonlyMap<string, string>>;
  readonly allow: (jobId: string, place: string) => void;
}

/** Allows through the gateway. That it is allowed, the job's own events tell. */
export function createAllowing(jobs: Gateway["jobs"]): Allowing {
  const asked = signal<ReadonlySet<string>>(new Set());
  const failures = signal<ReadonlyMap<string, string>>(new Map());
  const setFailure = (jobId: string, text: string) => {
    failures.value = new Map(failures.value).set(jobId, text);
  };
  const send = async (jobId: string, place: string) => {
    const key = askedKey(jobId, place);
    asked.value = new Set(asked.value).add(key);
    setFailure(jobId, "");
    try {
      await jobs.allowHost({ id: jobId, host: place });
    } catch (error) {
      setFailure(jobId, `${place} is not allowed. ${asSentence(ConnectError.from(error).rawMessage)}`);
    } finally {
      asked.value = new Set([...asked.value].filter((other) => other !== key));
    }
  };
  return { asked, failures, allow: (jobId, place) => void send(jobId, place) };
}

/** How `asked` names a place of a job's. */
export function askedKey(jobId: string, place: string): string {
  return `${jobId} ${place}`;
}
