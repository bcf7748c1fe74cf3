import { effect } from "@preact/signals";
import { countWaiting } from "./jobs/job-list.ts";
import { wordsForState } from "./jobs/job-state.ts";
import { jobTitle } from "./jobs/job-words.ts";
import type { Page } from "./page.ts";
import { withMarks } from "./ui/visible-marks.ts";

/** Keeps the document's title: "(2) ✗ fix-auth · BlazeCraft", where 2 jobs need a person. */
export function keepTitle(page: Page): void {
  effect(() => {
    const { needsYou } = countWaiting(page.jobs.list.value.jobs);
    const job = page.selected.value;
    const about = job?.status ? `${wordsForState(job.status.state).glyph} ${withMarks(jobTitle(job))} · ` : "";
    document.title = `${needsYou > 0 ? `(${needsYou}) ` : ""}${about}BlazeCraft`;
  });
}
