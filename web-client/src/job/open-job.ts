import { effect, type ReadonlySignal, signal, untracked } from "@preact/signals";
import type { Link } from "../connection/link.ts";
import type { Surroundings } from "../connection/surroundings.ts";
import type { Gateway } from "../transport.ts";
import { oncePerFrame } from "../ui/next-frame.ts";
import { JobFeed } from "./job-feed.ts";
import { watchJob } from "./watch-job.ts";

/** The one job whose stream this page follows. */
export interface OpenJob {
  /** What the stream told. The object grows in place; version says when to look again, once a frame at most. */
  readonly feed: ReadonlySignal<JobFeed>;
  readonly version: ReadonlySignal<number>;
  readonly link: ReadonlySignal<Link>;
}

/** What is followed, and when. */
interface OpenJobPorts {
  readonly jobs: Gateway["jobs"];
  readonly around: Surroundings;
  readonly id: ReadonlySignal<string | undefined>;
  /** While false the stream is given back: a browser holds few of them, and other tabs need theirs. */
  readonly isSeen: ReadonlySignal<boolean>;
}

/** Follows whichever job the id names, and no other. */
export function createOpenJob({ jobs, around, id, isSeen }: OpenJobPorts): OpenJob {
  const feed = signal(new JobFeed());
  const version = signal(0);
  const link = signal<Link>({ kind: "complete" });
  let heldId: string | undefined;
  const refresh = oncePerFrame(() => {
    version.value++;
  });
  effect(() => {
    const openId = id.value;
    untracked(() => {
      if (openId === heldId) return;
      heldId = openId;
      feed.value = new JobFeed();
      link.value = { kind: "complete" };
      version.value++;
    });
    if (openId === undefined || !isSeen.value || feed.peek().isFinal) return;
    const stop = new AbortController();
    const holder = {
      show: (next: JobFeed) => {
        feed.value = next;
        refresh();
      },
      report: (next: Link) => {
        link.value = next;
        refresh();
      },
    };
    void watchJob({ jobs, id: openId, feed: feed.peek() }, holder, { around, signal: stop.signal });
    return () => stop.abort();
  });
  return { feed, version, link };
}
