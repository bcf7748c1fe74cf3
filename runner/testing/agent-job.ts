import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Decision, DecisionSchema } from "#gen/job/v1/ask_pb.js";
import { type Message, MessageSchema } from "#gen/job/v1/job_event_pb.js";
import type { PermissionMode } from "#gen/job/v1/job_pb.js";
import type { AskContext, AskQuestion, EventPayload, ExecutorJob } from "../src/executor/executor.ts";

/** A question that an executor asked. */
export interface AskedQuestion {
  readonly question: AskQuestion;
  readonly context: AskContext;
  /** Answers it; nothing takes it back. */
  decide(decision?: MessageInitShape<typeof DecisionSchema>): void;
}

/** What an executor sees of its job, with what it did to it. */
export interface AgentJob {
  readonly job: Pick<ExecutorJob, "emit" | "ask" | "messages" | "modeChanged" | "untilRecorded" | "home" | "workspace">;
  readonly events: EventPayload[];
  readonly asked: AskedQuestion[];
  readonly modes: PermissionMode[];
  /** Has a message wait for the agent. */
  tell(text: string): void;
  /** True once the agent takes no more messages. */
  isClosed(): boolean;
}

/** A job for an executor's own tests: nobody is behind it. `recorded` is waited for behind each turn. */
export function makeAgentJob(home = "/nowhere", recorded?: Promise<void>): AgentJob {
  const events: EventPayload[] = [];
  const asked: AskedQuestion[] = [];
  const modes: PermissionMode[] = [];
  const queue: Message[] = [];
  let closed = false;
  const ask = (question: AskQuestion, context: AskContext) =>
    new Promise<Decision | undefined>((resolve) => {
      const decide: AskedQuestion["decide"] = (decision) => resolve(decision && create(DecisionSchema, decision));
      asked.push({ question, context, decide });
      context.signal.addEventListener("abort", () => resolve(undefined));
    });
  const messages = {
    get isEmpty() {
      return queue.length === 0;
    },
    take: () => queue.splice(0),
    close: () => {
      closed = true;
    },
  };
  return {
    job: {
      emit: (payload) => events.push(payload),
      ask,
      messages,
      modeChanged: (mode) => modes.push(mode),
      untilRecorded: () => recorded,
      home,
      workspace: "/workspace",
    },
    events,
    asked,
    modes,
    tell: (text) => void queue.push(create(MessageSchema, { text })),
    isClosed: () => closed,
  };
}
