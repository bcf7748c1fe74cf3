import { computed, effect, type ReadonlySignal, type Signal, signal, untracked } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { Job } from "#gen/job/v1/job_pb.js";
import { type AskStore, announceAsks, createAskStore } from "./asks/ask-store.ts";
import { createDeciding, type Deciding } from "./asks/deciding.ts";
import { createRuleStore, type RuleStore } from "./asks/rule-store.ts";
import { type Attention, createAttention } from "./attention.ts";
import type { Features } from "./config.ts";
import { isLive, type Link } from "./connection/link.ts";
import { worstLink } from "./connection/link-words.ts";
import { watchForNewPage } from "./connection/outdated.ts";
import { createBrowserSurroundings } from "./connection/surroundings.ts";
import { openTabLine } from "./connection/tab-line.ts";
import { createDiffStore, type DiffStore } from "./diff/diff-store.ts";
import { createRunnerCommands, type RunnerCommands } from "./fleet/runner-commands.ts";
import { createRunnerStore, type RunnerStore } from "./fleet/runner-store.ts";
import { createHudHeight, type HudHeightChoice } from "./hud-height.ts";
import { createJobCommands, type JobCommands } from "./job/commands.ts";
import { createErrorLines, type ErrorLinesStore } from "./job/error-lines.ts";
import { createModeChange, type ModeChange } from "./job/mode-change.ts";
import { createOpenJob, type OpenJob } from "./job/open-job.ts";
import { draftFromQuery, draftFromSpec } from "./jobs/draft.ts";
import { countHeld, newerJob } from "./jobs/job-list.ts";
import { createJobSearch, type JobSearchStore } from "./jobs/job-search.ts";
import { announceEnds, createJobStore, type JobStore, type TabSharing } from "./jobs/job-store.ts";
import { createNewJob, type NewJob } from "./jobs/new-job.ts";
import { createSelection, type Selection } from "./jobs/selection.ts";
import { type Composer, createComposer } from "./messages/composer.ts";
import { type Allowing, createAllowing } from "./network/allowing.ts";
import { watchForNotices } from "./notices/notices.ts";
import { createNotifier } from "./notices/notifier.ts";
import { createToasts, type Toasts } from "./notices/toasts.ts";
import { createOutbox, type Outbox, throughOutbox } from "./outbox/outbox.ts";
import type { Place } from "./place.ts";
import { createRouter, type JobView, jobPath, type Route, type Router } from "./route.ts";
import { createSession, type Session } from "./session/session.ts";
import { createSettings, type SettingsStore } from "./settings/settings.ts";
import { createSetupChecklist, type SetupChecklist } from "./setup/setup-checks.ts";
import { createGateway } from "./transport.ts";
import { type Announcer, createAnnouncer } from "./ui/announcer.ts";
import { createSeen } from "./ui/seen.ts";
import { createUsageStore, type UsageStore } from "./usage/usage-store.ts";

/** The tabs of the Job Panel. */
export type PanelTab = "new" | "jobs" | "log";

/** Everything the page holds, wired together once. */
export interface Page {
  readonly features: Features;
  /** Says that a demo is played; nothing at a gateway. */
  readonly badge: ComponentChildren;
  readonly hudHeight: HudHeightChoice;
  readonly session: Session;
  readonly announcer: Announcer;
  readonly route: ReadonlySignal<Route>;
  readonly go: Router["go"];
  readonly jobs: JobStore;
  readonly runners: RunnerStore;
  readonly open: OpenJob;
  readonly form: NewJob;
  readonly commands: JobCommands;
  readonly asks: AskStore;
  readonly deciding: Deciding;
  /** Id of the ask that is reviewed over the page. */
  readonly reviewedAskId: Signal<string | undefined>;
  readonly composer: Composer;
  readonly modeChange: ModeChange;
  readonly allowing: Allowing;
  readonly usage: UsageStore;
  readonly rules: RuleStore;
  readonly panelTab: Signal<PanelTab>;
  /** The views that jobs have, in the order of their tabs. */
  readonly views: readonly JobView[];
  readonly diff: DiffStore;
  readonly settings: SettingsStore;
  readonly attention: Attention;
  readonly selection: Selection;
  readonly search: JobSearchStore;
  readonly runnerCommands: RunnerCommands;
  readonly errorLines: ErrorLinesStore;
  readonly setup: SetupChecklist;
  readonly toasts: Toasts;
  /** The dialog that is open over the page. */
  readonly openDialog: Signal<"palette" | "help" | undefined>;
  readonly selectedId: ReadonlySignal<string | undefined>;
  /** The job that is open, or was last. */
  readonly lastJobId: ReadonlySignal<string | undefined>;
  /** The selected job as the list or its own stream knows it, whichever is newer. */
  readonly selected: ReadonlySignal<Job | undefined>;
  /** A job that the list holds. */
  readonly findJob: (id: string) => Job | undefined;
  readonly link: ReadonlySignal<Link>;
  readonly outbox: Outbox;
  /** The gateway serves another page than this one. */
  readonly isOutdated: ReadonlySignal<boolean>;
  readonly retryNow: () => void;
  /** Selects the job that many places further down the list. */
  readonly walk: (step: number) => void;
}

/** Builds the page's state and starts its streams. */
export function createPage(features: Features, place: Place): Page {
  const around = createBrowserSurroundings();
  const { storage } = place;
  const session = createSession(place.tabStorage, around.wake);
  const gateway = createGateway(place.connect(() => session.apiKey.peek()));
  const { fleet } = gateway;
  const outbox = createOutbox({ after: around.after, isLive: () => isLive(link.value) });
  const jobService = throughOutbox(gateway.jobs, outbox);
  const announcer = createAnnouncer(around.after);
  const { route, go } = createRouter();
  const jobs = createJobStore(jobService, around, shareTabs(place, session));
  const runners = createRunnerStore(fleet);
  const panelTab = signal<PanelTab>(features.runnerEnabled ? "new" : "jobs");
  const settings = createSettings(storage);
  const selection = createSelection(storage);
  const toasts = createToasts(around.after);

  const selectedId = computed(() => (route.value.kind === "job" ? route.value.id : undefined));
  const open = createOpenJob({ jobs: jobService, around, id: selectedId, isSeen: createSeen() });
  const selected = computed(() => {
    const listed = jobs.list.value.jobs.find((job) => job.id === selectedId.value);
    open.version.value;
    const followed = open.feed.value.job;
    if (followed?.id !== selectedId.value) return listed;
    // The list cuts long prompts; the job itself has them whole.
    return listed && followed ? { ...newerJob(listed, followed), spec: followed.spec } : (followed ?? listed);
  });
  const picked = computed(() => jobs.list.value.jobs.filter(({ id }) => selection.ids.value.has(id)));
  const asks = createAskStore({ jobs: jobService, jobList: jobs.list, around });
  const deciding = createDeciding(jobService, asks);

  const openJob = (job: Job) => go(jobPath(job.id));
  const openNew = (job: Job) => {
    jobs.learn(job);
    openJob(job);
  };
  const form = createNewJob({
    jobs: jobService,
    storage,
    onCreated: openNew,
  });
  const composer = createComposer({ jobs: jobService, storage, onContinued: openNew });
  const startNew = () => {
    panelTab.value = "new";
    requestAnimationFrame(() => document.getElementById("new-work")?.focus());
  };
  const commands = createJobCommands({
    jobs: jobService,
    job: selected,
    picked,
    learn: jobs.learn,
    open: openJob,
    startNew,
    editCopy: (job) => {
      if (!job.spec) return;
      const { type, draft } = draftFromSpec(job.spec);
      form.chooseType(type);
      form.edit(type, draft);
      startNew();
    },
    say: announcer.say,
    alert: announcer.alert,
  });

  effect(() => {
    const current = route.value;
    if (current.kind !== "new") return;
    untracked(() => {
      const { type, draft } = draftFromQuery(current.prefill, form.draft);
      form.chooseType(type);
      form.edit(type, draft);
      startNew();
    });
  });
  const lastJobId = signal<string>();
  effect(() => {
    if (selectedId.value) lastJobId.value = selectedId.value;
  });
  effect(() => {
    open.version.value;
    const feed = open.feed.value;
    const { id } = feed.job ?? {};
    // While events are behind, an ask or a message may be long settled.
    if (id === undefined || feed.behind > 0) return;
    untracked(() => {
      asks.learn(feed.asks);
      composer.learn(id, feed.messages);
    });
  });
  announceEnds(jobs, announcer.say);
  announceAsks(asks, announcer.alert);
  watchForNotices(
    { list: jobs.list, openAsks: asks.open, runners: runners.runners },
    createNotifier({ settings: () => settings.value.peek(), toasts, selectedId: () => selectedId.peek(), go }),
  );
  const held = computed(() => countHeld(jobs.list.value.jobs));
  effect(() => {
    if (held.value >= 0) runners.refresh();
  });

  const walk = (step: number) => {
    const rows = jobs.list.peek().jobs;
    const at = rows.findIndex((job) => job.id === selectedId.peek());
    const next = rows[at === -1 ? 0 : at + step];
    if (next) openJob(next);
  };
  const link = computed((): Link => {
    const worst = worstLink([jobs.link.value, open.link.value]);
    return place.isDemo && worst.kind === "live" ? { kind: "demo" } : worst;
  });
  return {
    features,
    badge: place.badge,
    hudHeight: createHudHeight(storage),
    session,
    announcer,
    route,
    go,
    jobs,
    runners,
    open,
    form,
    commands,
    asks,
    deciding,
    reviewedAskId: signal<string>(),
    composer,
    modeChange: createModeChange(jobService, jobs.learn),
    allowing: createAllowing(jobService),
    usage: createUsageStore(fleet),
    rules: createRuleStore(jobService),
    panelTab,
    views: ["transcript", "log", "diff", "details"],
    diff: createDiffStore(jobService),
    settings,
    attention: createAttention({
      list: jobs.list,
      runners: runners.runners,
      selectedId,
      storage,
      now: around.now,
    }),
    selection,
    search: createJobSearch(jobService),
    errorLines: createErrorLines(jobService),
    runnerCommands: createRunnerCommands(fleet, runners.refresh),
    setup: createSetupChecklist(gateway, location.origin),
    toasts,
    openDialog: signal(),
    selectedId,
    lastJobId,
    selected,
    findJob: (id) => jobs.list.value.jobs.find((job) => job.id === id),
    link,
    outbox,
    isOutdated: watchForNewPage(link, place.isOutdated),
    retryNow: around.wake,
    walk,
  };
}

/** Tabs of one browser share the stream of the list. One with a key of its own reads for itself alone, as does a demo. */
function shareTabs({ isDemo }: Place, { apiKey }: Session): TabSharing | undefined {
  if (isDemo || apiKey.peek()) return undefined;
  const line = openTabLine("blazecraft.jobs");
  return line && { line, mayShare: () => apiKey.peek() === "" };
}
