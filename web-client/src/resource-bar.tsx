import { countNeeds } from "./attention.ts";
import { LinkDetail, LinkShape } from "./connection/chip.tsx";
import { countFleet } from "./fleet/runner-store.ts";
import { countWaiting } from "./jobs/job-list.ts";
import type { Page } from "./page.ts";

/** The bar on top: the brand, the connection, and the fleet in numbers. */
export function ResourceBar({ page, onSignIn }: { readonly page: Page; readonly onSignIn: () => void }) {
  const link = page.link.value;
  page.open.version.value;
  const behind = page.open.feed.value.behind;
  const { jobs, loaded } = page.jobs.list.value;
  const { queued } = countWaiting(jobs);
  const needsYou = countNeeds(page);
  const runners = page.runners.runners.value;
  const fleet = runners && countFleet(runners);
  return (
    <header class="resources">
      <a class="brand" href="/">
        <span class="brand-sign" aria-hidden="true">
          ◈
        </span>
        BlazeCraft
      </a>
      <div class="chip">
        <span role="status" class="chip-status">
          <LinkShape link={link} behind={behind} />
          <span class="visually-hidden"> {page.announcer.polite.value}</span>
        </span>
        <LinkDetail
          link={link}
          behind={behind}
          latencyMs={page.runners.latencyMs.value}
          onRetry={page.retryNow}
          onSignIn={onSignIn}
        />
      </div>
      {page.badge}
      <dl class="resource-list">
        <Resource
          title="bases"
          value={fleet ? `${fleet.basesOnline}/${fleet.bases}` : "–"}
          isLow={fleet?.basesOnline === 0}
        />
        <Resource title="lanes" value={fleet ? `${fleet.lanesBusy}/${fleet.lanes}` : "–"} />
        <Resource title="queue" value={loaded ? String(queued) : "–"} />
        {needsYou > 0 && <Resource title="need you" value={`⚑ ${needsYou}`} isAsking />}
      </dl>
      <nav class="pages" aria-label="Pages">
        <PageLink page={page} kind="runners" title="Runners" />
        <PageLink page={page} kind="rules" title="Rules" />
        <PageLink page={page} kind="settings" title="Settings" />
        <DialogButton page={page} dialog="palette" glyph="⌕" title="Command palette" shownKey="Ctrl K" />
        <DialogButton page={page} dialog="help" glyph="?" title="Keys" shownKey="" />
      </nav>
    </header>
  );
}

function PageLink(props: {
  readonly page: Page;
  readonly kind: "runners" | "rules" | "settings";
  readonly title: string;
}) {
  const isHere = props.page.route.value.kind === props.kind;
  return (
    <a href={`/${props.kind}`} aria-current={isHere ? "page" : undefined}>
      {props.title}
    </a>
  );
}

function DialogButton(props: {
  readonly page: Page;
  readonly dialog: "palette" | "help";
  readonly glyph: string;
  readonly title: string;
  readonly shownKey: string;
}) {
  return (
    <button
      type="button"
      class="button small"
      aria-label={`${props.title} ${props.shownKey}`.trim()}
      onClick={() => {
        props.page.openDialog.value = props.dialog;
      }}
    >
      <span aria-hidden="true">{props.glyph}</span>
      {props.shownKey && (
        <span class="keycap" aria-hidden="true">
          {props.shownKey}
        </span>
      )}
    </button>
  );
}

function Resource(props: {
  readonly title: string;
  readonly value: string;
  readonly isLow?: boolean;
  readonly isAsking?: boolean;
}) {
  const tone = props.isLow ? " tone-bad" : props.isAsking ? " tone-ask" : "";
  return (
    <div class="resource">
      <dt>{props.title}</dt>
      <dd class={`num${tone}`}>{props.value}</dd>
    </div>
  );
}
