import type { Job } from "#gen/job/v1/job_pb.js";
import { AskDeck } from "./asks/ask-deck.tsx";
import { RulePage } from "./asks/rule-page.tsx";
import type { Link } from "./connection/link.ts";
import { StaleBar } from "./connection/stale-bar.tsx";
import { FleetBoard } from "./fleet/fleet-board.tsx";
import { OfflineBanner } from "./fleet/offline-banner.tsx";
import { JobSpend } from "./job/job-spend.tsx";
import { JobStage } from "./job/job-stage.tsx";
import { createLogActions } from "./job/log-downloads.ts";
import { ModeControl } from "./job/mode-control.tsx";
import { jobTitle } from "./jobs/job-words.ts";
import type { LineRange } from "./log/far-log.ts";
import type { WholeLog } from "./log/whole-log.ts";
import { ComposerForm } from "./messages/composer-form.tsx";
import { RefusedHostsList } from "./network/refused-hosts-list.tsx";
import type { Page } from "./page.ts";
import { UsagePage } from "./usage/usage-page.tsx";

/** The stage: the selected job, or the fleet when none is. */
export function Stage({ page }: { readonly page: Page }) {
  return (
    <main class="stage" id="stage">
      <StaleBar link={page.link.value} />
      {page.jobs.link.value.kind === "refused" && (
        <p class="banner tone-bad">The gateway refused to list jobs: {page.jobs.link.value.message}</p>
      )}
      <OfflineBanner runners={page.runners.runners.value} />
      <StageContent page={page} />
    </main>
  );
}

function StageContent({ page }: { readonly page: Page }) {
  const route = page.route.value;
  if (route.kind === "unknown") return <Missing title="There is no such page." text={route.path} />;
  if (route.kind === "rules") return <RulePage store={page.rules} />;
  if (route.kind === "usage") return <Usage page={page} />;
  if (route.kind !== "job" || !page.features.runnerEnabled) return <Home page={page} />;
  const version = page.open.version.value;
  const job = page.selected.value;
  if (job) {
    const isAgent = job.spec?.work.case === "agent";
    return (
      <JobStage
        job={job}
        feed={page.open.feed.value}
        version={version}
        log={page.open.log.value}
        wholeLog={wholeLog(page, job, route.lines)}
        view={page.chosenView.value ?? (isAgent ? "transcript" : "log")}
        onView={(view) => {
          page.chosenView.value = view;
        }}
        network={<RefusedHostsList job={job} hosts={page.open.feed.value.refusedHosts.all} allowing={page.allowing} />}
        {...(isAgent ? agentParts(page, job, route.askId) : {})}
      />
    );
  }
  return <Unread link={page.open.link.value} id={route.id} />;
}

function wholeLog(page: Page, job: Job, chosen: LineRange | undefined): WholeLog {
  const path = `/jobs/${job.id}/log`;
  return {
    path,
    chosen,
    choose: (hash) => page.go(`${path}${hash}`),
    actions: page.features.liveMode ? createLogActions(job.id, () => page.session.apiKey.peek()) : undefined,
    say: page.announcer.say,
  };
}

/** What only the job of an agent has. */
function agentParts(page: Page, job: Job, askId: string | undefined) {
  return {
    mode: <ModeControl job={job} change={page.modeChange} />,
    asks: <AskDeck key={job.id} job={job} chosenId={askId} asks={page.asks} deciding={page.deciding} />,
    foot: (
      <>
        <JobSpend job={job} />
        <ComposerForm job={job} composer={page.composer} />
      </>
    ),
  };
}

function Usage({ page }: { readonly page: Page }) {
  return (
    <UsagePage
      store={page.usage}
      titleOf={(id) => {
        const job = page.findJob(id);
        return job ? jobTitle(job) : id;
      }}
      apiKey={page.session.apiKey.value}
    />
  );
}

/** A job of which nothing is known yet, or that the gateway has not. */
function Unread({ link, id }: { readonly link: Link; readonly id: string }) {
  if (link.kind === "refused") return <Missing title="This job cannot be shown." text={`${id}: ${link.message}`} />;
  return (
    <div class="skeleton skeleton-stage" aria-busy="true">
      <span class="visually-hidden">Loading the job</span>
      <i />
      <i />
      <i />
    </div>
  );
}

function Missing({ title, text }: { readonly title: string; readonly text: string }) {
  return (
    <section class="welcome">
      <h1>{title}</h1>
      <p class="mono">{text}</p>
      <a class="button" href="/">
        Back to the fleet
      </a>
    </section>
  );
}

const examples = ["echo hello", "uname -a && uptime", "for i in 1 2 3; do date; sleep 1; done"];

function Home({ page }: { readonly page: Page }) {
  const { jobs, loaded } = page.jobs.list.value;
  const runners = page.runners.runners.value ?? [];
  return (
    <>
      {loaded && jobs.length === 0 ? (
        <section class="welcome">
          <h1>Hand over your first job</h1>
          <p>A job is a command or a coding agent, run in a workspace on a machine of your own. Try one of these:</p>
          <ul class="examples">
            {examples.map((command) => (
              <li key={command}>
                <a class="button mono" href={`/new?type=task&repo_ref=local&command=${encodeURIComponent(command)}`}>
                  {command}
                </a>
              </li>
            ))}
          </ul>
        </section>
      ) : (
        <h1 class="stage-title">Fleet</h1>
      )}
      <FleetBoard runners={runners} jobs={jobs} />
    </>
  );
}
