import { render } from "preact";
import { App } from "./app.tsx";
import { demoStory, type Features, loadFeatures } from "./config.ts";
import { listenForKeys } from "./keyboard.ts";
import { createPage, type Page } from "./page.ts";
import { liveAt, type Place } from "./place.ts";
import { keepTitle } from "./title.ts";

const root = document.getElementById("page");
const features = await loadFeatures();
const place = features.liveMode ? liveAt(location) : await openDemoPlace();
if (root) render(<App page={startPage(features, place)} />, root);

/** The demo, opened where its story is to be seen unless the address names a place in it. */
async function openDemoPlace(): Promise<Place> {
  const { openDemo } = await import("./demo/demo.tsx");
  const demo = await openDemo(demoStory(), new URLSearchParams(location.search));
  if (location.pathname === "/") history.replaceState(null, "", demo.path);
  return demo.place;
}

function startPage(enabled: Features, at: Place): Page {
  const page = createPage(enabled, at);
  keepTitle(page);
  listenForKeys((key) => findAction(page, key));
  return page;
}

/** What a single key does now, if anything. */
function findAction(page: Page, key: string): (() => void) | undefined {
  if (key === "J") return () => page.walk(1);
  if (key === "K") return () => page.walk(-1);
  if (key === "H") return page.hudHeight.cycle;
  const composer = key === "M" ? document.getElementById("composer-text") : null;
  if (composer) return () => composer.focus();
  const isAgent = page.selected.peek()?.spec?.work.case === "agent";
  if (isAgent && (key === "T" || key === "L")) {
    return () => {
      page.chosenView.value = key === "T" ? "transcript" : "log";
    };
  }
  return page.commands.list().find((command) => command.key === key && command.isEnabled)?.run;
}
