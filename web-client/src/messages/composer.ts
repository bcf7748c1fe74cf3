import { clone } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { type ReadonlySignal, signal } from "@preact/signals";
import type { Message } from "#gen/job/v1/job_event_pb.js";
import { type Job, JobSpecSchema } from "#gen/job/v1/job_pb.js";
import { findProblem } from "#protocol/problem.ts";
import { isFinal } from "../jobs/job-state.ts";
import type { Gateway } from "../transport.ts";
import { asSentence } from "../ui/sentence.ts";
import { stored } from "../ui/storage.ts";
import { createMessageDrafts, type MessageDrafts } from "./message-drafts.ts";
import { type MessageList, queuedMessages, withMessage } from "./message-list.ts";

/** What a person tells an agent after its prompt. */
export interface Composer {
  readonly drafts: MessageDrafts;
  /** Messages of a job that its agent has not taken yet. */
  readonly queued: (jobId: string) => readonly Message[];
  /** Takes messages as a job's stream told of them; each is taken once. */
  readonly learn: (jobId: string, messages: Iterable<Message>) => void;
  readonly isSending: ReadonlySignal<boolean>;
  /** What went wrong last; empty when nothing did. */
  readonly failure: ReadonlySignal<string>;
  /** Sends a job's draft: to its agent, or, once the job is over, as the prompt of a job that continues it. */
  readonly send: (job: Job, how?: { readonly interrupt: boolean }) => Promise<void>;
  readonly withdraw: (jobId: string, messageId: string) => Promise<void>;
  readonly change: (jobId: string, messageId: string, text: string) => Promise<void>;
  /** Puts the text that was sent last back into an empty draft. */
  readonly recall: (jobId: string) => void;
}

/** What the composer needs from the page. */
export interface ComposerPorts {
  readonly jobs: Gateway["jobs"];
  /** Where drafts are kept. */
  readonly storage: () => Pick<Storage, "getItem" | "setItem">;
  readonly onContinued: (job: Job) => void;
}

/** A composer whose drafts outlive the page. */
export function createComposer({ jobs, storage, onContinued }: ComposerPorts): Composer {
  const drafts = createMessageDrafts(stored(storage, "blazecraft.messages"));
  const lists = signal<ReadonlyMap<string, MessageList>>(new Map());
  const isSending = signal(false);
  const failure = signal("");
  const taken = new WeakSet<Message>();
  let lastSent = "";
  // One key for one text: sending again after a lost answer sends nothing twice.
  let sent = { name: "", key: "" };

  const learn = (jobId: string, messages: Iterable<Message>) => {
    let list = lists.peek().get(jobId) ?? new Map();
    for (const message of messages) {
      if (taken.has(message)) continue;
      taken.add(message);
      list = withMessage(list, message);
    }
    if (list !== lists.peek().get(jobId)) lists.value = new Map(lists.peek()).set(jobId, list);
  };
  const keyFor = (name: string) => {
    if (sent.name !== name) sent = { name, key: crypto.randomUUID() };
    return sent.key;
  };
  const attempt = async (use: () => Promise<void>) => {
    if (isSending.peek()) return;
    isSending.value = true;
    failure.value = "";
    try {
      await use();
    } catch (error) {
      failure.value = refusalText(ConnectError.from(error));
    } finally {
      isSending.value = false;
    }
  };
  const act = (jobId: string, action: Parameters<typeof jobs.sendMessage>[0]["action"] & object) =>
    attempt(async () => {
      const { message } = await jobs.sendMessage({ id: jobId, action });
      if (message) learn(jobId, [message]);
    });

  const sendMessage = async (job: Job, text: string, interrupt: boolean) => {
    const idempotencyKey = keyFor(`${job.id} ${interrupt} ${text}`);
    const action = { case: "send", value: { text, interrupt } } as const;
    const { message } = await jobs.sendMessage({ id: job.id, action, idempotencyKey });
    if (message) learn(job.id, [message]);
  };
  const continueJob = async (job: Job, prompt: string) => {
    // The list cuts prompts and leaves environments out.
    const whole = (await jobs.getJob({ id: job.id })).job?.spec;
    if (whole?.work.case !== "agent") return;
    const spec = clone(JobSpecSchema, whole);
    const { permissionMode } = job;
    const { value: work } = whole.work;
    spec.work = { case: "agent", value: { ...work, prompt, permissionMode, attachments: [] } };
    const idempotencyKey = keyFor(`${job.id} continued ${prompt}`);
    const made = (await jobs.createJob({ spec, continues: job.id, idempotencyKey })).job;
    if (made) onContinued(made);
  };
  return {
    drafts,
    queued: (jobId) => queuedMessages(lists.value.get(jobId) ?? new Map()),
    learn,
    isSending,
    failure,
    send: async (job, { interrupt } = { interrupt: false }) => {
      const text = drafts.read(job.id);
      if (!text.trim()) return;
      await attempt(async () => {
        if (job.status && isFinal(job.status.state)) await continueJob(job, text);
        else await sendMessage(job, text, interrupt);
        lastSent = text;
        sent = { name: "", key: "" };
        if (drafts.read(job.id) === text) drafts.write(job.id, "");
      });
    },
    withdraw: (jobId, messageId) => act(jobId, { case: "withdrawId", value: messageId }),
    change: (jobId, messageId, text) => act(jobId, { case: "edit", value: { id: messageId, text } }),
    recall: (jobId) => {
      if (!drafts.read(jobId)) drafts.write(jobId, lastSent);
    },
  };
}

function refusalText(error: ConnectError): string {
  const action = findProblem(error)?.action ?? "Your text is kept; try again.";
  return `${asSentence(error.rawMessage)} ${action}`;
}
