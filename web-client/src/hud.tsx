import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { cardActions, listActions, pageKeys } from "./actions.ts";
import { AttentionCard } from "./asks/attention-card.tsx";
import { countNeeds } from "./attention.ts";
import type { HudHeight, HudHeightChoice } from "./hud-height.ts";
import { CommandCard } from "./job/command-card.tsx";
import { SelectedCard } from "./job/selected-card.tsx";
import { JobRows } from "./jobs/job-rows.tsx";
import { NewJobForm } from "./jobs/new-job-form.tsx";
import { LogView } from "./log/log-view.tsx";
import type { Page, PanelTab } from "./page.ts";
import { Tabs, tabPanelProps } from "./ui/tabs.tsx";

type Part = "selected" | "panel" | "attention" | "commands";

/** The HUD at the bottom: the selected job, the Job Panel, what needs a person, the commands. On a phone it shows one part at a time, or none. */
export function Hud({ page }: { readonly page: Page }) {
  const part = useSignal<Part>("panel");
  const selectedId = page.selectedId.value;
  const height = page.hudHeight.value.value;
  useEffect(() => {
    // On a phone the HUD would hide the job that was just opened.
    if (selectedId && matchMedia("(max-width: 767px)").matches) page.hudHeight.set("rail");
  }, [selectedId]);
  return (
    <aside class="hud" aria-label="HUD" data-height={height} data-part={part.value}>
      <nav class="hud-parts" aria-label="Parts of the HUD">
        {(["selected", "panel", "attention", "commands"] as const).map((name) => (
          <button
            key={name}
            type="button"
            class="hud-part"
            aria-expanded={part.value === name && height !== "rail"}
            onClick={() => {
              const isShown = part.value === name && height !== "rail";
              page.hudHeight.set(isShown ? "rail" : "standard");
              part.value = name;
            }}
          >
            {partTitles[name]}
            {name === "attention" && <AskCount page={page} />}
          </button>
        ))}
      </nav>
      <HeightGrip choice={page.hudHeight} />
      <HeightButtons choice={page.hudHeight} />
      <HudPart title="Selected" part="selected">
        <Selected page={page} />
      </HudPart>
      <JobPanel page={page} />
      <HudPart title="Attention" part="attention" count={<AskCount page={page} />}>
        <AttentionCard
          asks={page.asks}
          attention={page.attention}
          findJob={page.findJob}
          onReview={({ id }) => {
            page.reviewedAskId.value = id;
          }}
        />
      </HudPart>
      <HudPart title="Commands" part="commands">
        <Commands page={page} />
      </HudPart>
    </aside>
  );
}

const partTitles: Record<Part, string> = {
  selected: "Selected",
  panel: "Jobs",
  attention: "Asks",
  commands: "Commands",
};

function AskCount({ page }: { readonly page: Page }) {
  const count = countNeeds(page);
  return count > 0 ? <span class="count is-asking num">{count}</span> : null;
}

function HudPart(props: {
  readonly title: string;
  readonly part: Part;
  readonly count?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  return (
    <section
      class={`hud-plate plate hud-${props.part}`}
      aria-label={props.title}
      // Nothing inside them may take focus, and they may scroll.
      tabIndex={props.part === "selected" || props.part === "commands" ? 0 : undefined}
    >
      <h2 class="plate-title">
        {props.title} {props.count}
      </h2>
      {props.children}
    </section>
  );
}

function JobPanel({ page }: { readonly page: Page }) {
  const tab = page.panelTab.value;
  const { list } = page.jobs;
  const count = list.value.jobs.length + (page.form.sending.value ? 1 : 0);
  const tabs = [
    { id: "new" as const, title: "New" },
    {
      id: "jobs" as const,
      title: (
        <>
          Jobs <span class="count num">{count}</span>
        </>
      ),
    },
    { id: "log" as const, title: "Log" },
  ];
  return (
    <section id="job-panel" class="hud-plate plate hud-panel" aria-label="Job panel" tabIndex={-1}>
      <Tabs
        name="panel"
        label="Job panel"
        tabs={tabs}
        open={tab}
        onOpen={(id: PanelTab) => {
          page.panelTab.value = id;
        }}
      />
      <div class="panel-body" {...tabPanelProps("panel", tab)}>
        {tab === "new" && <NewJobForm form={page.form} />}
        {tab === "jobs" && (
          <JobRows
            list={list.value}
            sending={page.form.sending.value}
            selectedId={page.selectedId.value}
            selection={page.selection}
          />
        )}
        {tab === "log" && <CompactLog page={page} />}
      </div>
    </section>
  );
}

function Commands({ page }: { readonly page: Page }) {
  const actions = listActions(page);
  const keys = pageKeys(page);
  return (
    <CommandCard
      commands={cardActions.flatMap((id) => actions.find((action) => action.id === id) ?? [])}
      keyFor={(id) => keys.find(({ action }) => action === id)?.key ?? ""}
      failure={page.commands.failure.value}
    />
  );
}

function Selected({ page }: { readonly page: Page }) {
  page.open.version.value;
  return <SelectedCard job={page.selected.value} feed={page.open.feed.value} />;
}

function CompactLog({ page }: { readonly page: Page }) {
  const { feed, version } = page.open;
  return <LogView log={feed.value.log} version={version.value} label="Compact log" emptyText="Nothing written." />;
}

const heights: readonly (readonly [HudHeight, string, string])[] = [
  ["rail", "▁", "Fold the HUD"],
  ["standard", "▄", "HUD at standard height"],
  ["tall", "█", "Tall HUD"],
];

function HeightButtons({ choice }: { readonly choice: HudHeightChoice }) {
  return (
    <fieldset class="hud-heights">
      <legend class="visually-hidden">Height of the HUD</legend>
      {heights.map(([height, glyph, title]) => (
        <button
          key={height}
          type="button"
          class="hud-height"
          title={title}
          aria-label={title}
          aria-pressed={choice.value.value === height}
          onClick={() => choice.set(height)}
        >
          <span aria-hidden="true">{glyph}</span>
        </button>
      ))}
    </fieldset>
  );
}

const railPx = 40;
const standardPx = 232;

/** The upper edge of the HUD, to be dragged; the buttons and H do the same. It settles at the nearest height. */
function HeightGrip({ choice }: { readonly choice: HudHeightChoice }) {
  const settle = (event: PointerEvent) => {
    const px = innerHeight - event.clientY;
    choice.set(
      px < (railPx + standardPx) / 2 ? "rail" : px < (standardPx + innerHeight * 0.6) / 2 ? "standard" : "tall",
    );
  };
  return (
    <div
      class="hud-grip"
      aria-hidden="true"
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) settle(event);
      }}
    />
  );
}
