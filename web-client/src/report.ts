import { countFleet } from "./fleet/runner-store.ts";
import { countHeld, countWaiting } from "./jobs/job-list.ts";
import { jobTitle } from "./jobs/job-words.ts";
import type { Page } from "./page.ts";

/** How everything stands, in two sentences. */
export function battleReport({ jobs, runners, asks, attention }: Page): string {
  const list = jobs.list.peek().jobs;
  const fleet = countFleet(runners.runners.peek() ?? []);
  const { queued } = countWaiting(list);
  const work = `${fleet.basesOnline} of ${fleet.bases} runners online, ${count(countHeld(list), "job")} running, ${queued} waiting for a lane.`;
  const needs = [
    ...asks.open.peek().map(({ jobId }) => `an answer for ${titleOf(list, jobId)}`),
    ...attention.failed.peek().map((job) => `a look at ${jobTitle(job)}, which failed`),
    ...attention.offline.peek().map(({ name }) => `the runner ${name}, which does not answer`),
  ];
  return `${work} ${needs.length > 0 ? `You are needed for ${needs.join(", ")}.` : "Nothing needs you."}`;
}

function titleOf(list: ReturnType<Page["jobs"]["list"]["peek"]>["jobs"], id: string): string {
  const job = list.find((candidate) => candidate.id === id);
  return job ? jobTitle(job) : id;
}

function count(number: number, what: string): string {
  return `${number} ${number === 1 ? what : `${what}s`}`;
}
