import { effect } from "@preact/signals";
import { countNeeds } from "./attention.ts";
import { wordsForStatus } from "./jobs/job-state.ts";
import { jobTitle } from "./jobs/job-words.ts";
import type { Page } from "./page.ts";
import type { Route } from "./route.ts";
import { withMarks } from "./ui/visible-marks.ts";

/** Keeps the document's title: "(2) ✗ fix-auth · BlazeCraft", where 2 things need a person. */
export function keepTitle(page: Page): void {
  effect(() => {
    const needs = countNeeds(page);
    const job = page.selected.value;
    const about = job?.status
      ? `${wordsForStatus(job.status).glyph} ${withMarks(jobTitle(job))}`
      : titleOf(page.route.value);
    document.title = [needs > 0 ? `(${needs}) ` : "", about ? `${about} · ` : "", "BlazeCraft"].join("");
  });
}

function titleOf(route: Route): string {
  switch (route.kind) {
    case "runner":
      return route.name;
    case "fleet":
    case "job":
    case "new":
    case "unknown":
      return "";
    default:
      return route.kind.charAt(0).toUpperCase() + route.kind.slice(1);
  }
}
