import { ConnectError } from "@connectrpc/connect";
import { batch, type ReadonlySignal, signal } from "@preact/signals";
import type { Job, JobSpec } from "#gen/job/v1/job_pb.js";
import { findProblem } from "#protocol/problem.ts";
import type { Gateway } from "../transport.ts";
import { stored } from "../ui/storage.ts";
import {
  type Draft,
  type DraftField,
  fieldOfProblem,
  findFault,
  freshDraft,
  type JobType,
  parseDraft,
  specFromDraft,
} from "./draft.ts";

/** What the gateway said against a draft. */
export interface Refusal {
  readonly field: DraftField | undefined;
  readonly message: string;
  /** What to do next; empty when the marked field says it. */
  readonly action: string;
}

/** The form for a new job: a draft for each type, and how the last Run went. */
export interface NewJob {
  readonly type: ReadonlySignal<JobType>;
  readonly draft: (type: JobType) => Draft;
  /** The spec that is being sent, until the gateway has answered. */
  readonly sending: ReadonlySignal<JobSpec | undefined>;
  readonly refusal: ReadonlySignal<Refusal | undefined>;
  readonly chooseType: (type: JobType) => void;
  readonly edit: (type: JobType, change: Partial<Draft>) => void;
  readonly run: () => Promise<void>;
}

/** What the form needs from the page. */
export interface NewJobPorts {
  readonly jobs: Gateway["jobs"];
  /** Where drafts are kept. */
  readonly storage: () => Pick<Storage, "getItem" | "setItem">;
  readonly onCreated: (job: Job) => void;
}

/** A form whose drafts outlive the page. */
export function createNewJob({ jobs, storage, onCreated }: NewJobPorts): NewJob {
  const typeCell = stored(storage, "blazecraft.new.type");
  const cells = { task: stored(storage, "blazecraft.new.task"), claude: stored(storage, "blazecraft.new.claude") };
  const type = signal<JobType>(typeCell.read() === "claude" ? "claude" : "task");
  const drafts = { task: signal(parseDraft(cells.task.read())), claude: signal(parseDraft(cells.claude.read())) };
  const sending = signal<JobSpec>();
  const refusal = signal<Refusal>();
  // One key for one draft: pressing Run again after a lost answer makes no second job.
  let idempotencyKey = crypto.randomUUID();

  const edit = (of: JobType, change: Partial<Draft>) => {
    const next = { ...drafts[of].peek(), ...change };
    drafts[of].value = next;
    cells[of].write(JSON.stringify(next));
    refusal.value = undefined;
    idempotencyKey = crypto.randomUUID();
  };

  const run = async () => {
    if (sending.peek()) return;
    const sentType = type.peek();
    const sent = drafts[sentType].peek();
    const fault = findFault(sentType, sent);
    if (fault) {
      refusal.value = { ...fault, action: "" };
      return;
    }
    const spec = specFromDraft(sentType, sent);
    batch(() => {
      sending.value = spec;
      refusal.value = undefined;
    });
    try {
      const { job } = await jobs.createJob({ spec, idempotencyKey });
      if (drafts[sentType].peek() === sent) edit(sentType, { work: freshDraft.work, name: freshDraft.name });
      if (job) onCreated(job);
    } catch (error) {
      refusal.value = refusalFrom(ConnectError.from(error));
    } finally {
      sending.value = undefined;
    }
  };

  return {
    type,
    draft: (of) => drafts[of].value,
    sending,
    refusal,
    chooseType: (chosen) => {
      type.value = chosen;
      typeCell.write(chosen);
      refusal.value = undefined;
    },
    edit,
    run,
  };
}

/** What an error tells the person who filled in the form. */
function refusalFrom(error: ConnectError): Refusal {
  const problem = findProblem(error);
  if (!problem) return { field: undefined, message: error.rawMessage, action: "Your text is kept; try again." };
  const field = fieldOfProblem(problem.field);
  if (!field) return { field, message: error.rawMessage, action: problem.action };
  // The form marks the field, so its path and the rule's name need not be told.
  const message = error.rawMessage.replace(`${problem.field}: `, "").replace(/ \[[\w.]+\]$/, "");
  return { field, message, action: "" };
}
