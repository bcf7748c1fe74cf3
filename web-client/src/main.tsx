import { computed } from "@preact/signals";
import { render } from "preact";
import { findAction } from "./actions.ts";
import { App } from "./app.tsx";
import { demoStory, type Features, loadFeatures } from "./config.ts";
import { countHeld } from "./jobs/job-list.ts";
import { listenForKeys } from "./keyboard.ts";
import { type FaviconState, keepFavicon } from "./notices/favicon.ts";
import { createPage, type Page } from "./page.ts";
import { liveAt, type Place } from "./place.ts";
import { applySettings } from "./settings/settings.ts";
import { keepTitle } from "./title.ts";
import { keepVisibleHeight } from "./ui/visible-height.ts";

const root = document.getElementById("page");
// Not awaited here: a part that is loaded later imports this file's chunk, and would wait for it to be done.
if (root) void start(root);

async function start(element: HTMLElement): Promise<void> {
  const features = await loadFeatures();
  const place = features.liveMode ? liveAt(location) : await openDemoPlace();
  render(<App page={startPage(features, place)} />, element);
}

/** The demo, opened where its story is to be seen unless the address names a place in it. */
async function openDemoPlace(): Promise<Place> {
  const { openDemo } = await import("./demo/demo.tsx");
  const demo = await openDemo(demoStory(), new URLSearchParams(location.search));
  if (location.pathname === "/") history.replaceState(null, "", demo.path);
  return demo.place;
}

function startPage(enabled: Features, at: Place): Page {
  const page = createPage(enabled, at);
  applySettings(page.settings, document.documentElement);
  keepVisibleHeight(document.documentElement);
  keepTitle(page);
  keepFavicon(computed(() => faviconState(page)));
  listenForKeys((key) => findAction(page, key));
  return page;
}

function faviconState(page: Page): FaviconState {
  if (page.asks.open.value.length > 0) return "needs-you";
  if (page.attention.failed.value.length > 0) return "failed";
  return countHeld(page.jobs.list.value.jobs) > 0 ? "running" : "calm";
}
