import { render } from "preact";
import { App } from "./app.tsx";
import { type Features, loadFeatures } from "./config.ts";
import { cycleHudHeight } from "./hud-height.ts";
import { listenForKeys } from "./keyboard.ts";
import { NoDemo } from "./no-demo.tsx";
import { createPage, type Page } from "./page.ts";
import { keepTitle } from "./title.ts";

const root = document.getElementById("page");
const features = await loadFeatures();
if (root) render(features.liveMode ? <App page={startPage(features)} /> : <NoDemo />, root);

function startPage(enabled: Features): Page {
  const page = createPage(enabled);
  keepTitle(page);
  listenForKeys((key) => findAction(page, key));
  return page;
}

/** What a single key does now, if anything. */
function findAction(page: Page, key: string): (() => void) | undefined {
  if (key === "J") return () => page.walk(1);
  if (key === "K") return () => page.walk(-1);
  if (key === "H") return cycleHudHeight;
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
