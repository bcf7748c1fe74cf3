import { create } from "@bufbuild/protobuf";
import { durationMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Runner } from "#gen/fleet/v1/runner_pb.js";
import { JobSpecSchema } from "#gen/job/v1/job_pb.js";
import { isOnline } from "../fleet/runner-store.ts";
import type { Gateway } from "../transport.ts";
import { asSentence } from "../ui/sentence.ts";

const streamLimitMs = 30_000;

/** How one check stands. */
export type CheckState =
  | { readonly kind: "waiting" | "running" }
  | { readonly kind: "passed"; readonly found: string }
  | { readonly kind: "failed"; readonly found: string };

/** One live check of the way from this page to a runner and back. */
export interface SetupCheck {
  readonly title: string;
  /** What to do when it fails. */
  readonly fix: string;
  /** The same check from a shell. */
  readonly curl: string;
  readonly state: CheckState;
}

/** The four checks; each goes a step further than the one before. */
export interface SetupChecklist {
  readonly checks: ReadonlySignal<readonly SetupCheck[]>;
  /** Runs them in order; what comes after one that failed waits. */
  readonly run: () => Promise<void>;
}

/** Checks against the gateway that serves the page. */
export function createSetupChecklist(gateway: Gateway, origin: string): SetupChecklist {
  const checks = signal(freshChecks(origin));
  const set = (index: number, change: Partial<SetupCheck>) => {
    checks.value = checks.peek().with(index, { ...(checks.peek()[index] ?? blank), ...change });
  };
  const run = async () => {
    if (checks.peek().some(({ state }) => state.kind === "running")) return;
    checks.value = freshChecks(origin);
    let runner: Runner | undefined;
    let jobId = "";
    const steps = [
      async () => {
        runner = await findOnline(gateway);
        set(0, { curl: `curl -sS ${runner.url}/health` });
        return `${runner.name} answers, version ${runner.info?.version ?? "unknown"}.`;
      },
      async () => {
        const { hops } = await gateway.fleet.checkRunner({ name: runner?.name ?? "" });
        const totalMs = hops.reduce((sum, { latency }) => sum + (latency ? durationMs(latency) : 0), 0);
        return `Reached in ${Math.round(totalMs)} ms.`;
      },
      async () => {
        jobId = await startTestJob(gateway);
        set(3, { curl: streamCurl(origin, jobId) });
        return `Created ${jobId}.`;
      },
      async () => `“hello” came ${Math.round(await untilHello(gateway, jobId))} ms after it was written.`,
    ];
    for (const [index, step] of steps.entries()) {
      set(index, { state: { kind: "running" } });
      try {
        set(index, { state: { kind: "passed", found: await step() } });
      } catch (error) {
        set(index, { state: { kind: "failed", found: asSentence(ConnectError.from(error).rawMessage) } });
        return;
      }
    }
  };
  return { checks, run };
}

async function findOnline({ fleet }: Gateway): Promise<Runner> {
  const { runners } = await fleet.listRunners({});
  const online = runners.find(isOnline);
  if (online) return online;
  const [first] = runners;
  throw new Error(first ? `${first.name}: ${first.problem || "it does not answer"}` : "no runner is set up");
}

async function startTestJob({ jobs }: Gateway): Promise<string> {
  const spec = create(JobSpecSchema, {
    repoRef: "test",
    name: "setup check",
    work: { case: "task", value: { invocation: { case: "command", value: "echo hello" } } },
  });
  const { job } = await jobs.createJob({ spec, idempotencyKey: crypto.randomUUID() });
  return job?.id ?? "";
}

/** Follows the job until its line is here. Answers how long the line was on its way. */
async function untilHello({ jobs }: Gateway, id: string): Promise<number> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(streamLimitMs)]);
  const decoder = new TextDecoder();
  try {
    for await (const { message } of jobs.watchJob({ id }, { signal })) {
      const events = message.case === "batch" ? message.value.events : [];
      for (const { payload, time } of events) {
        if (payload.case !== "log" || !decoder.decode(payload.value.data).includes("hello")) continue;
        return Math.max(0, Date.now() - (time ? timestampMs(time) : Date.now()));
      }
    }
  } finally {
    stop.abort();
  }
  throw new Error("the job ended without its line");
}

const blank: SetupCheck = { title: "", fix: "", curl: "", state: { kind: "waiting" } };

function freshChecks(origin: string): readonly SetupCheck[] {
  const state = { kind: "waiting" } as const;
  return [
    {
      title: "The runner answers through its tunnel",
      fix: "On its machine, start the runner (npm run runner) and the tunnel (cloudflared tunnel run), and give the gateway its address as RUNNER_URL.",
      curl: "curl -sS https://YOUR-TUNNEL/health",
      state,
    },
    {
      title: "The gateway reaches the runner",
      fix: "GATEWAY_SECRET of the runner and RUNNER_SECRET of the gateway must be the same.",
      curl: `curl -sS ${origin}/api/health/runner`,
      state,
    },
    {
      title: "A test job is taken",
      fix: "Your key needs the right to create jobs.",
      curl: `curl -sS -X POST ${origin}/api/jobs -H 'Content-Type: application/json' -d '{"type":"task","repo_ref":"test","command":"echo hello"}'`,
      state,
    },
    {
      title: "Its log streams back",
      fix: "If the line comes only when the job is over, something on the way holds answers back: a proxy, or a cloudflared older than 2025.4.2.",
      curl: streamCurl(origin, "JOB"),
      state,
    },
  ];
}

function streamCurl(origin: string, id: string): string {
  return `curl -sSN ${origin}/api/jobs/${id}/events`;
}
