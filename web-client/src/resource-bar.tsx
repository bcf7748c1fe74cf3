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
  const { queued, needsYou } = countWaiting(jobs);
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
        <PageLink page={page} kind="usage" title="Usage" />
        <PageLink page={page} kind="rules" title="Rules" />
      </nav>
    </header>
  );
}

function PageLink(props: { readonly page: Page; readonly kind: "usage" | "rules"; readonly title: string }) {
  const isHere = props.page.route.value.kind === props.kind;
  return (
    <a href={`/${props.kind}`} aria-current={isHere ? "page" : undefined}>
      {props.title}
    </a>
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
