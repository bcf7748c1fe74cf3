import { effect, type ReadonlySignal, signal, untracked } from "@preact/signals";
import type { Link } from "../connection/link.ts";
import type { Surroundings } from "../connection/surroundings.ts";
import { createFarLog } from "../log/far-log.ts";
import { fetchLogView } from "../log/lazy-log-view.tsx";
import { createLog, type Log } from "../log/log.ts";
import type { Gateway } from "../transport.ts";
import { oncePerFrame } from "../ui/next-frame.ts";
import { JobFeed } from "./job-feed.ts";
import { watchJob } from "./watch-job.ts";

/** The one job whose stream this page follows. */
export interface OpenJob {
  /** What the stream told. The object grows in place; version says when to look again, once a frame at most. */
  readonly feed: ReadonlySignal<JobFeed>;
  readonly version: ReadonlySignal<number>;
  /** The job's output, and what happened around it. */
  readonly log: ReadonlySignal<Log | undefined>;
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

/** Of a log longer than this the end is shown before the stream has come there. */
const longLogLines = 5_000;
const tailLines = 500;

/** Follows whichever job the id names, and no other. */
export function createOpenJob({ jobs, around, id, isSeen }: OpenJobPorts): OpenJob {
  const feed = signal(new JobFeed(nowhere));
  const version = signal(0);
  const link = signal<Link>({ kind: "complete" });
  const log = signal<Log>();
  let heldId: string | undefined;
  let hasTail = false;
  const refresh = oncePerFrame(() => {
    version.value++;
  });
  /** A feed with a log of its own, in place of those until now. */
  const begin = (openId: string | undefined) => {
    log.peek()?.close();
    if (openId !== undefined) void fetchLogView();
    log.value = openId === undefined ? undefined : createLog(createFarLog(jobs, openId));
    hasTail = false;
    return new JobFeed(log.peek()?.sink ?? nowhere);
  };
  const showTail = ({ job, sequence }: JobFeed) => {
    if (hasTail || !job) return;
    hasTail = true;
    const lines = job.log?.lines ?? 0;
    log.peek()?.expect(lines);
    if (sequence > 0 || lines <= longLogLines) return;
    // Without it the log is shown as it comes.
    log
      .peek()
      ?.showTail(tailLines)
      .catch(() => undefined);
  };
  effect(() => {
    const openId = id.value;
    untracked(() => {
      if (openId === heldId) return;
      heldId = openId;
      feed.value = begin(openId);
      link.value = { kind: "complete" };
      version.value++;
    });
    if (openId === undefined || !isSeen.value || feed.peek().isFinal) return;
    const stop = new AbortController();
    const holder = {
      show: (next: JobFeed) => {
        feed.value = next;
        showTail(next);
        refresh();
      },
      report: (next: Link) => {
        link.value = next;
        refresh();
      },
    };
    const watched = { jobs, id: openId, feed: feed.peek(), anew: () => begin(openId) };
    void watchJob(watched, holder, { around, signal: stop.signal });
    return () => stop.abort();
  });
  return { feed, version, log, link };
}

const nowhere = { write: () => undefined };
