import { Code, ConnectError } from "@connectrpc/connect";
import { computed, effect, type ReadonlySignal, signal, untracked } from "@preact/signals";
import { type Ask, AskState } from "#gen/job/v1/ask_pb.js";
import { pause } from "../connection/pause.ts";
import type { Surroundings } from "../connection/surroundings.ts";
import type { JobList } from "../jobs/job-list.ts";
import type { Gateway } from "../transport.ts";
import { asSentence } from "../ui/sentence.ts";
import { type AskList, openAsks, withAsks, withoutJob } from "./ask-list.ts";
import { askTitle } from "./ask-words.ts";

const pageSize = 200;
/** Changes that come in quick succession are read once. */
const restMs = 1_000;
const retryMs = 5_000;

/** The asks of every job, live. */
export interface AskStore {
  readonly list: ReadonlySignal<AskList>;
  /** Those that wait for a person, the oldest first. */
  readonly open: ReadonlySignal<readonly Ask[]>;
  /** Why the list may be out of date; empty while it is not. */
  readonly failure: ReadonlySignal<string>;
  /** Takes asks that another call or a stream told of. */
  readonly learn: (asks: Iterable<Ask>) => void;
  /** Reads every ask of one job, the closed ones too. */
  readonly readJob: (jobId: string) => Promise<void>;
}

/** What the store needs from the page. */
export interface AskStorePorts {
  readonly jobs: Gateway["jobs"];
  readonly jobList: ReadonlySignal<JobList>;
  readonly around: Surroundings;
}

/** Reads the open asks whenever a job that has some changed, and never else. */
export function createAskStore({ jobs, jobList, around }: AskStorePorts): AskStore {
  const list = signal<AskList>(new Map());
  const failure = signal("");
  const open = computed(() => openAsks(list.value));
  const learn = (asks: Iterable<Ask>) => {
    list.value = withAsks(list.peek(), asks);
  };

  const readJob = async (jobId: string) => {
    try {
      learn(await listAll(jobs, { jobId, states: everyState }));
    } catch (error) {
      if (ConnectError.from(error).code !== Code.NotFound) throw error;
      list.value = withoutJob(list.peek(), jobId);
    }
  };
  const readOpen = async () => {
    const waiting = await listAll(jobs, {});
    learn(waiting);
    // One that no longer waits was closed elsewhere; only its job tells how.
    const ids = new Set(waiting.map((ask) => ask.id));
    const gone = new Set(open.peek().flatMap((ask) => (ids.has(ask.id) ? [] : [ask.jobId])));
    await Promise.all([...gone].map(readJob));
  };

  /** Reads once, and tells how long to rest after it; undefined until something wakes the page. */
  const tryRead = async (): Promise<number | undefined> => {
    try {
      await readOpen();
      failure.value = "";
      return restMs;
    } catch (error) {
      const { code, rawMessage } = ConnectError.from(error);
      failure.value = asSentence(rawMessage);
      isDue = true;
      return code === Code.Unauthenticated || code === Code.PermissionDenied ? undefined : retryMs;
    }
  };
  const forever = new AbortController().signal;
  let isBusy = false;
  let isDue = false;
  const read = async () => {
    isDue = true;
    if (isBusy) return;
    isBusy = true;
    while (isDue) {
      isDue = false;
      await pause(await tryRead(), around, forever);
    }
    isBusy = false;
  };
  const asking = computed(() => fingerprint(jobList.value));
  effect(() => {
    const isAnyAsking = asking.value !== "";
    untracked(() => {
      if (isAnyAsking || open.peek().length > 0) void read();
    });
  });
  return { list, open, failure, learn, readJob };
}

/** Says which asks are new: "Permission: Bash waits for you". */
export function announceAsks({ open }: AskStore, alert: (text: string) => void): void {
  let known = new Set<string>();
  effect(() => {
    const fresh = open.value.filter(({ id }) => !known.has(id));
    known = new Set(open.value.map(({ id }) => id));
    if (fresh.length > 1) alert(`${fresh.length} asks wait for you.`);
    else if (fresh[0]) alert(`${askTitle(fresh[0])} waits for you.`);
  });
}

const everyState = [AskState.OPEN, AskState.DECIDED, AskState.EXPIRED, AskState.WITHDRAWN];

async function listAll(jobs: Gateway["jobs"], which: { readonly jobId?: string; readonly states?: AskState[] }) {
  const asks: Ask[] = [];
  let pageToken = "";
  do {
    const page = await jobs.listAsks({ ...which, pageSize, pageToken });
    asks.push(...page.asks);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return asks;
}

/** Differs whenever an ask may have opened or closed. */
function fingerprint({ jobs }: JobList): string {
  return jobs
    .filter((job) => job.openAsks > 0)
    .map((job) => `${job.id}:${job.revision}`)
    .join();
}
