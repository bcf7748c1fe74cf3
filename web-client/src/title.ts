import { effect } from "@preact/signals";
import { countWaiting } from "./jobs/job-list.ts";
import { wordsForStatus } from "./jobs/job-state.ts";
import { jobTitle } from "./jobs/job-words.ts";
import type { Page } from "./page.ts";
import { withMarks } from "./ui/visible-marks.ts";

/** Keeps the document's title: "(2) ✗ fix-auth · BlazeCraft", where 2 things wait for a person. */
export function keepTitle(page: Page): void {
  effect(() => {
    const { needsYou } = countWaiting(page.jobs.list.value.jobs);
    const job = page.selected.value;
    const about = job?.status ? `${wordsForStatus(job.status).glyph} ${withMarks(jobTitle(job))} · ` : "";
    document.title = `${needsYou > 0 ? `(${needsYou}) ` : ""}${about}BlazeCraft`;
  });
}
