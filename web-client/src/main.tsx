import { render } from "preact";
import { App } from "./app.tsx";
import { loadFeatures } from "./config.ts";
import { cycleHudHeight } from "./hud-height.ts";
import { listenForKeys } from "./keyboard.ts";
import { createPage } from "./page.ts";
import { keepTitle } from "./title.ts";

const page = createPage(await loadFeatures());
keepTitle(page);
listenForKeys((key) => {
  if (key === "J") return () => page.walk(1);
  if (key === "K") return () => page.walk(-1);
  if (key === "H") return cycleHudHeight;
  const isAgent = page.selected.peek()?.spec?.work.case === "agent";
  if (key === "T" && isAgent) return () => (page.chosenView.value = "transcript");
  if (key === "L" && isAgent) return () => (page.chosenView.value = "log");
  return page.commands.list().find((command) => command.key === key && command.isEnabled)?.run;
});
const root = document.getElementById("page");
if (root) render(<App page={page} />, root);
