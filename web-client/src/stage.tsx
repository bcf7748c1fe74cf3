import { type Job, JobState } from "#gen/job/v1/job_pb.js";
import { pageKeys } from "./actions.ts";
import { AskDeck } from "./asks/ask-deck.tsx";
import type { Link } from "./connection/link.ts";
import { OutdatedBar } from "./connection/outdated-bar.tsx";
import { StaleBar } from "./connection/stale-bar.tsx";
import { FleetBoard } from "./fleet/fleet-board.tsx";
import { OfflineBanner } from "./fleet/offline-banner.tsx";
import { EndingCard } from "./job/ending-card.tsx";
import { JobSpend } from "./job/job-spend.tsx";
import { JobStage } from "./job/job-stage.tsx";
import { viewsOf } from "./job/job-views.ts";
import { createLogActions } from "./job/log-downloads.ts";
import { ModeControl } from "./job/mode-control.tsx";
import { BulkBar } from "./jobs/bulk-bar.tsx";
import type { JobFilter } from "./jobs/job-filter.ts";
import { isFinal } from "./jobs/job-state.ts";
import { jobTitle } from "./jobs/job-words.ts";
import { keyText } from "./key-map.ts";
import type { LineRange } from "./log/far-log.ts";
import type { WholeLog } from "./log/whole-log.ts";
import { ComposerForm } from "./messages/composer-form.tsx";
import { RefusedHostsList } from "./network/refused-hosts-list.tsx";
import { testNotification } from "./notices/notifier.ts";
import type { Page } from "./page.ts";
import { jobPath, type Route } from "./route.ts";
import { lazy } from "./ui/lazy.tsx";

const JobListPage = lazy(async () => (await import("./jobs/job-list-page.tsx")).JobListPage);
const RulePage = lazy(async () => (await import("./asks/rule-page.tsx")).RulePage);
const RunnerPage = lazy(async () => (await import("./fleet/runner-page.tsx")).RunnerPage);
const RunnersPage = lazy(async () => (await import("./fleet/runners-page.tsx")).RunnersPage);
const SettingsPage = lazy(async () => (await import("./settings/settings-page.tsx")).SettingsPage);
const SetupPage = lazy(async () => (await import("./setup/setup-page.tsx")).SetupPage);
const UsagePage = lazy(async () => (await import("./usage/usage-page.tsx")).UsagePage);
const ArtifactList = lazy(async () => (await import("./artifacts/artifact-list.tsx")).ArtifactList);
const DiffView = lazy(async () => (await import("./diff/diff-view.tsx")).DiffView);
const JobDetails = lazy(async () => (await import("./job/job-details.tsx")).JobDetails);

/** The stage: what the address names. */
export function Stage({ page }: { readonly page: Page }) {
  return (
    <main class="stage" id="stage" tabIndex={-1}>
      <StageTabs page={page} />
      <StaleBar link={page.link.value} />
      {page.isOutdated.value && <OutdatedBar />}
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
  switch (route.kind) {
    case "fleet":
    case "new":
      return <Home page={page} />;
    case "jobs":
      return page.features.runnerEnabled ? <JobList page={page} filter={route.filter} /> : <Home page={page} />;
    case "job":
      return page.features.runnerEnabled ? <OpenedJob page={page} route={route} /> : <Home page={page} />;
    case "runners":
      return <RunnersPage runners={page.runners.runners.value} />;
    case "runner":
      return <OpenedRunner page={page} name={route.name} />;
    case "usage":
      return <Usage page={page} />;
    case "rules":
      return <RulePage store={page.rules} />;
    case "settings":
      return (
        <SettingsPage settings={page.settings} keys={pageKeys(page)} keyText={keyText} testNotice={testNotification} />
      );
    case "setup":
      return <SetupPage checklist={page.setup} />;
    case "unknown":
      return <Missing title="There is no such page." text={route.path} />;
  }
}

function OpenedJob({ page, route }: { readonly page: Page; readonly route: Extract<Route, { kind: "job" }> }) {
  const version = page.open.version.value;
  const job = page.selected.value;
  if (!job) return <Unread link={page.open.link.value} id={route.id} />;
  const feed = page.open.feed.value;
  const isAgent = job.spec?.work.case === "agent";
  const views = viewsOf(job, page.views);
  return (
    <JobStage
      job={job}
      feed={feed}
      version={version}
      log={page.open.log.value}
      wholeLog={wholeLog(page, job, route.lines)}
      views={views}
      view={views.find((view) => view === route.view) ?? (isAgent ? "transcript" : "log")}
      onView={(view) => page.go(jobPath(job.id, view))}
      diff={<DiffView job={job} store={page.diff} />}
      details={<JobDetails job={job} />}
      network={<RefusedHostsList job={job} hosts={feed.refusedHosts.all} allowing={page.allowing} />}
      artifacts={
        !feed.artifacts.isEmpty && (
          <ArtifactList key={job.id} jobId={job.id} artifacts={feed.artifacts} apiKey={page.session.apiKey.value} />
        )
      }
      ending={<EndingCard key={job.id} job={job} errors={page.errorLines} commands={page.commands.list()} />}
      {...(isAgent ? agentParts(page, job, route.askId) : {})}
    />
  );
}

function OpenedRunner({ page, name }: { readonly page: Page; readonly name: string }) {
  const runners = page.runners.runners.value;
  const runner = runners?.find((known) => known.name === name);
  if (!runners) return <RunnersPage runners={undefined} />;
  if (!runner) return <Missing title="There is no such runner." text={name} />;
  const jobs = page.jobs.list.value.jobs.filter(
    (job) => job.placement?.runner === name && !isFinal(job.status?.state ?? JobState.UNSPECIFIED),
  );
  return <RunnerPage runner={runner} jobs={jobs} commands={page.runnerCommands} />;
}

function JobList({ page, filter }: { readonly page: Page; readonly filter: JobFilter }) {
  const [stop, retry] = page.commands.list();
  return (
    <>
      <JobListPage
        filter={filter}
        search={page.search}
        findJob={page.findJob}
        newest={page.jobs.list.value.jobs}
        runnerNames={(page.runners.runners.value ?? []).map(({ name }) => name)}
        selection={page.selection}
        go={page.go}
      />
      <BulkBar selection={page.selection} stop={stop} retry={retry} />
    </>
  );
}

const stageTabs = [
  { kind: "fleet", path: "/", title: "Fleet" },
  { kind: "job", path: "", title: "Job" },
  { kind: "jobs", path: "/jobs", title: "Jobs" },
  { kind: "usage", path: "/usage", title: "Usage" },
] as const;

/** The way between the parts of the stage. Job leads to the job that was open last. */
function StageTabs({ page }: { readonly page: Page }) {
  const { kind } = page.route.value;
  const lastJobId = page.lastJobId.value;
  return (
    <nav class="stage-tabs" aria-label="Stage">
      {stageTabs.map((tab) => {
        const path = tab.kind === "job" ? lastJobId && jobPath(lastJobId) : tab.path;
        return (
          path && (
            <a key={tab.kind} class="stage-tab" href={path} aria-current={kind === tab.kind ? "page" : undefined}>
              {tab.title}
            </a>
          )
        );
      })}
    </nav>
  );
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
