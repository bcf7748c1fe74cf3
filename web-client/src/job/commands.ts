import { ConnectError } from "@connectrpc/connect";
import { batch, type ReadonlySignal, signal } from "@preact/signals";
import type { Job } from "#gen/job/v1/job_pb.js";
import { isFinal } from "../jobs/job-state.ts";
import { jobTitle } from "../jobs/job-words.ts";
import type { Gateway } from "../transport.ts";

const armedMs = 5_000;

/** One thing a person can have done, by button or by key. */
export interface Command {
  readonly id: string;
  readonly title: string;
  /** The key that runs it, in upper case; empty when none does. */
  readonly key: string;
  readonly glyph: string;
  readonly isEnabled: boolean;
  /** True while it waits for a second press. */
  readonly isArmed: boolean;
  readonly run: () => void;
}

/** What the commands of a job need from the page. */
export interface CommandPorts {
  readonly jobs: Gateway["jobs"];
  readonly job: ReadonlySignal<Job | undefined>;
  readonly learn: (job: Job) => void;
  readonly open: (job: Job) => void;
  readonly startNew: () => void;
  readonly editCopy: (job: Job) => void;
  readonly say: (text: string) => void;
  readonly alert: (text: string) => void;
}

/** The commands for the selected job, and what the last one that failed said. */
export interface JobCommands {
  readonly list: () => readonly Command[];
  readonly failure: ReadonlySignal<string>;
}

/** Commands that act on whatever job is selected. Stop asks once: the same command again within 5 s does it. */
export function createJobCommands(ports: CommandPorts): JobCommands {
  const failure = signal("");
  const armedFor = signal("");

  const call = async (title: string, use: (job: Job) => Promise<void>) => {
    const job = ports.job.peek();
    if (!job) return;
    failure.value = "";
    try {
      await use(job);
    } catch (error) {
      failure.value = `${title}: ${ConnectError.from(error).rawMessage}`;
      ports.alert(failure.value);
    }
  };
  const stop = (job: Job) => {
    if (armedFor.peek() !== job.id) {
      armedFor.value = job.id;
      ports.say(`Press stop again to stop ${jobTitle(job)}`);
      setTimeout(() => {
        if (armedFor.peek() === job.id) armedFor.value = "";
      }, armedMs);
      return;
    }
    armedFor.value = "";
    void call("Stop", async ({ id }) => {
      const answer = await ports.jobs.cancelJob({ id });
      if (answer.job) ports.learn(answer.job);
      ports.say("Stopping");
    });
  };
  const retry = () =>
    call("Retry", async ({ id }) => {
      const answer = await ports.jobs.retryJob({ id, idempotencyKey: crypto.randomUUID() });
      if (!answer.job) return;
      const made = answer.job;
      batch(() => {
        ports.learn(made);
        ports.open(made);
      });
    });
  const copyLink = () =>
    call("Link", async ({ id }) => {
      await navigator.clipboard.writeText(`${location.origin}/jobs/${id}`);
      ports.say("Link copied");
    });

  const list = (): readonly Command[] => {
    const job = ports.job.value;
    const state = job?.status?.state;
    const isOver = state !== undefined && isFinal(state);
    const isArmed = job !== undefined && armedFor.value === job.id;
    const command = (id: string, rest: Omit<Command, "id" | "isArmed">) => ({ id, isArmed: false, ...rest });
    return [
      {
        id: "stop",
        title: isArmed ? "Confirm stop" : "Stop",
        key: "S",
        glyph: "■",
        isEnabled: job !== undefined && !isOver,
        isArmed,
        run: () => job && stop(job),
      },
      command("retry", { title: "Retry", key: "R", glyph: "↻", isEnabled: isOver, run: () => void retry() }),
      command("new", { title: "New", key: "C", glyph: "+", isEnabled: true, run: ports.startNew }),
      command("edit", {
        title: "Edit copy",
        key: "",
        glyph: "✎",
        isEnabled: job !== undefined,
        run: () => job && ports.editCopy(job),
      }),
      command("link", {
        title: "Link",
        key: "Y",
        glyph: "↗",
        isEnabled: job !== undefined,
        run: () => void copyLink(),
      }),
    ];
  };
  return { list, failure };
}
