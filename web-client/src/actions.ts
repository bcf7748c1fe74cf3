import type { Command } from "./job/commands.ts";
import { commandFor, curlFor, debugBundle } from "./job/copy-text.ts";
import { viewsOf } from "./job/job-views.ts";
import { type KeyBinding, keysInForce } from "./key-map.ts";
import type { Page } from "./page.ts";
import { battleReport } from "./report.ts";
import { type JobView, jobPath } from "./route.ts";

/** Everything that can be done on the page now: what buttons, keys and the palette offer is this. */
export function listActions(page: Page): readonly Command[] {
  return [...page.commands.list(), ...jobActions(page), ...pageActions(page)];
}

/** The commands that the HUD shows, in order. */
export const cardActions = [
  "stop",
  "retry",
  "log",
  "diff",
  "transcript",
  "timeline",
  "message",
  "link",
  "details",
  "edit",
];

/** The keys in force, as the settings say. */
export function pageKeys(page: Page): readonly KeyBinding[] {
  return keysInForce(page.settings.value.value.keys);
}

/** What a key does now, if anything. Keys of the log are the log's own. */
export function findAction(page: Page, key: string): (() => void) | undefined {
  const isSingle = !key.startsWith("Ctrl+");
  if (isSingle && !page.settings.value.peek().hasKeys) return undefined;
  const group = /^(Shift\+)?([1-9])$/.exec(key);
  if (group?.[2]) return group[1] ? () => storeGroup(page, group[2] ?? "") : () => recallGroup(page, group[2] ?? "");
  const bound = pageKeys(page).find((binding) => binding.key === key && binding.scope !== "log");
  return listActions(page).find(({ id, isEnabled }) => id === bound?.action && isEnabled)?.run;
}

function jobActions(page: Page): readonly Command[] {
  const job = page.selected.value;
  const isAgent = job?.spec?.work.case === "agent";
  const views: readonly (readonly [JobView, string, string])[] = [
    ["transcript", "Chat", "≡"],
    ["log", "Log", "▤"],
    ["diff", "Diff", "±"],
    ["timeline", "Time", "◴"],
    ["details", "Info", "i"],
  ];
  const copy = (text: () => string, said: string) => async () => {
    await navigator.clipboard.writeText(text());
    page.announcer.say(said);
    page.toasts.show({ text: said, tone: "ok" });
  };
  const onJob = (id: string, title: string, glyph: string, run: () => unknown): Command => ({
    ...{ id, title, glyph, isArmed: false, isEnabled: job !== undefined },
    run: () => void run(),
  });
  return [
    ...views.map(([view, title, glyph]) => ({
      ...onJob(view, title, glyph, () => job && page.go(jobPath(job.id, view))),
      isEnabled: job !== undefined && viewsOf(job, page.views).includes(view),
    })),
    {
      ...onJob("message", "Msg", "✉", () => document.getElementById("composer-text")?.focus()),
      isEnabled: isAgent,
    },
    onJob(
      "link",
      "Link",
      "↗",
      copy(() => `${location.origin}${jobPath(job?.id ?? "")}`, "Link copied"),
    ),
    ...(job?.spec
      ? [
          onJob(
            "cli",
            "Copy as command",
            "$",
            copy(() => (job.spec ? commandFor(job.spec) : ""), "Command copied"),
          ),
          onJob(
            "curl",
            "Copy as curl",
            "$",
            copy(() => (job.spec ? curlFor(job.spec, location.origin) : ""), "Curl copied"),
          ),
          onJob(
            "bundle",
            "Copy debug bundle",
            "⧉",
            copy(() => debugBundle(job, page.errorLines.lines.peek()), "Bundle copied"),
          ),
        ]
      : []),
  ];
}

function pageActions(page: Page): readonly Command[] {
  const act = (id: string, title: string, run: () => void): Command => ({
    ...{ id, title, glyph: "›", isArmed: false, isEnabled: true },
    run,
  });
  return [
    act("palette", "Command palette", () => {
      page.openDialog.value = "palette";
    }),
    act("help", "Keys", () => {
      page.openDialog.value = "help";
    }),
    act("next-ask", "Next thing that needs you", () => showNextNeed(page)),
    act("next-job", "Next job", () => page.walk(1)),
    act("previous-job", "Previous job", () => page.walk(-1)),
    act("select", "Select the job", () => {
      const id = page.selectedId.peek();
      if (id) page.selection.toggle(id);
    }),
    act("report", "Battle report", () => {
      const text = battleReport(page);
      page.announcer.say(text);
      page.toasts.show({ text, tone: "off" });
    }),
    act("hud", "Height of the HUD", page.hudHeight.cycle),
    act("fleet", "Go to the fleet", () => page.go("/")),
    act("jobs", "Go to the list of jobs", () => page.go("/jobs")),
    act("runners", "Go to the runners", () => page.go("/runners")),
    act("usage", "Go to usage", () => page.go("/usage")),
    act("rules", "Go to the rules", () => page.go("/rules")),
    act("settings", "Go to the settings", () => page.go("/settings")),
    act("setup", "Go to the setup checklist", () => page.go("/setup")),
  ];
}

function showNextNeed(page: Page): void {
  const [ask] = page.asks.open.peek();
  const [failed] = page.attention.failed.peek();
  const [runner] = page.attention.offline.peek();
  if (ask) page.reviewedAskId.value = ask.id;
  else if (failed) page.go(jobPath(failed.id));
  else if (runner) page.go(`/runners/${runner.name}`);
  else page.announcer.say("Nothing needs you.");
}

function storeGroup(page: Page, group: string): void {
  const picked = [...page.selection.ids.peek()];
  const selected = page.selectedId.peek();
  const ids = picked.length > 0 ? picked : selected ? [selected] : [];
  if (ids.length === 0) return;
  page.selection.store(group, ids);
  page.toasts.show({ text: `${ids.length} in group ${group}`, tone: "ok" });
}

function recallGroup(page: Page, group: string): void {
  const [first] = page.selection.recall(group);
  if (first) page.go(jobPath(first));
}
