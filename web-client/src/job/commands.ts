import { ConnectError } from "@connectrpc/connect";
import { batch, type ReadonlySignal, signal } from "@preact/signals";
import type { Job } from "#gen/job/v1/job_pb.js";
import { isFinal } from "../jobs/job-state.ts";
import { jobTitle } from "../jobs/job-words.ts";
import type { Gateway } from "../transport.ts";

const armedMs = 5_000;

/** One thing a person can have done, by button, by key or by name. */
export interface Command {
  readonly id: string;
  readonly title: string;
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
  /** The jobs that were picked; while there are some, commands are for them. */
  readonly picked: ReadonlySignal<readonly Job[]>;
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

/** Commands that act on whatever jobs are picked, else on the selected one. Stop asks once: again within 5 s does it. */
export function createJobCommands(ports: CommandPorts): JobCommands {
  const failure = signal("");
  const armedFor = signal("");

  const call = async (title: string, use: () => Promise<unknown>) => {
    failure.value = "";
    try {
      await use();
    } catch (error) {
      failure.value = `${title}: ${ConnectError.from(error).rawMessage}`;
      ports.alert(failure.value);
    }
  };
  const stop = (jobs: readonly Job[]) => {
    const asked = namesOf(jobs);
    if (armedFor.peek() !== asked) {
      armedFor.value = asked;
      ports.say(`Press stop again to stop ${told(jobs)}`);
      setTimeout(() => {
        if (armedFor.peek() === asked) armedFor.value = "";
      }, armedMs);
      return;
    }
    armedFor.value = "";
    const cancel = async ({ id }: Job) => {
      const { job } = await ports.jobs.cancelJob({ id });
      if (job) ports.learn(job);
    };
    void call("Stop", () => Promise.all(jobs.map(cancel)).then(() => ports.say("Stopping")));
  };
  const retry = (jobs: readonly Job[]) => {
    const again = async ({ id }: Job) => {
      const { job } = await ports.jobs.retryJob({ id, idempotencyKey: crypto.randomUUID() });
      if (!job) return;
      batch(() => {
        ports.learn(job);
        if (jobs.length === 1) ports.open(job);
      });
    };
    void call("Retry", () => Promise.all(jobs.map(again)));
  };

  const list = (): readonly Command[] => {
    const job = ports.job.value;
    const picked = ports.picked.value;
    const meant = picked.length > 0 ? picked : job ? [job] : [];
    const over = meant.filter(isOver);
    const unfinished = meant.filter((candidate) => !isOver(candidate));
    const isArmed = unfinished.length > 0 && armedFor.value === namesOf(unfinished);
    const many = picked.length > 0;
    const command = (id: string, rest: Omit<Command, "id" | "isArmed">) => ({ id, isArmed: false, ...rest });
    return [
      {
        ...command("stop", {
          title: `${isArmed ? "Confirm stop" : "Stop"}${many ? ` ${unfinished.length}` : ""}`,
          glyph: "■",
          isEnabled: unfinished.length > 0,
          run: () => stop(unfinished),
        }),
        isArmed,
      },
      command("retry", {
        title: many ? `Retry ${over.length}` : "Retry",
        glyph: "↻",
        isEnabled: over.length > 0,
        run: () => retry(over),
      }),
      command("new", { title: "New", glyph: "+", isEnabled: true, run: ports.startNew }),
      command("edit", {
        title: "Edit copy",
        glyph: "✎",
        isEnabled: job !== undefined,
        run: () => job && ports.editCopy(job),
      }),
    ];
  };
  return { list, failure };
}

function isOver({ status }: Job): boolean {
  return status !== undefined && isFinal(status.state);
}

function namesOf(jobs: readonly Job[]): string {
  return jobs.map(({ id }) => id).join();
}

function told(jobs: readonly Job[]): string {
  return jobs.length === 1 && jobs[0] ? jobTitle(jobs[0]) : `${jobs.length} jobs`;
}
