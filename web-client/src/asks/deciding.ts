import { create, type MessageInitShape, toJsonString } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { type ReadonlySignal, signal } from "@preact/signals";
import { type Ask, DecisionSchema } from "#gen/job/v1/ask_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { findProblem } from "#protocol/problem.ts";
import type { Gateway } from "../transport.ts";
import { asSentence } from "../ui/sentence.ts";
import type { AskStore } from "./ask-store.ts";

/** A person's answer to an ask. */
export type Verdict = NonNullable<MessageInitShape<typeof DecisionSchema>["verdict"]>;

/** How this page's decision on one ask went. */
export type Attempt =
  | { readonly kind: "sending" }
  | { readonly kind: "failed"; readonly message: string }
  /** Somebody or something else was first. */
  | { readonly kind: "beaten" };

/** Decides asks. */
export interface Deciding {
  readonly attempts: ReadonlySignal<ReadonlyMap<string, Attempt>>;
  readonly decide: (ask: Ask, verdict: Verdict) => Promise<void>;
}

/** Decides each ask once: a press while one is on its way does nothing, and one after a lost answer repeats the same call. */
export function createDeciding(
  jobs: Gateway["jobs"],
  { learn, readJob }: Pick<AskStore, "learn" | "readJob">,
): Deciding {
  const attempts = signal<ReadonlyMap<string, Attempt>>(new Map());
  const keys = new Map<string, string>();
  const note = (askId: string, attempt: Attempt | undefined) => {
    const next = new Map(attempts.peek());
    next.delete(askId);
    if (attempt) next.set(askId, attempt);
    attempts.value = next;
  };
  const keyFor = (askId: string, verdict: Verdict) => {
    const name = `${askId} ${toJsonString(DecisionSchema, create(DecisionSchema, { verdict }))}`;
    const key = keys.get(name) ?? crypto.randomUUID();
    keys.set(name, key);
    return key;
  };
  const decide = async (ask: Ask, verdict: Verdict) => {
    if (attempts.peek().get(ask.id)?.kind === "sending") return;
    note(ask.id, { kind: "sending" });
    try {
      const { asks } = await jobs.decideAsk({
        asks: [{ jobId: ask.jobId, askId: ask.id }],
        decision: { verdict },
        idempotencyKey: keyFor(ask.id, verdict),
      });
      learn(asks);
      note(ask.id, undefined);
    } catch (error) {
      const refusal = ConnectError.from(error);
      const failed: Attempt = { kind: "failed", message: asSentence(refusal.rawMessage) };
      if (!isClosed(refusal)) {
        note(ask.id, failed);
        return;
      }
      // The ask itself tells who was first; until it is read, the refusal does.
      await readJob(ask.jobId).then(
        () => note(ask.id, { kind: "beaten" }),
        () => note(ask.id, failed),
      );
    }
  };
  return { attempts, decide };
}

/** True when nothing waits for a decision any more; a verdict of the wrong kind names its field instead. */
function isClosed(refusal: ConnectError): boolean {
  const problem = findProblem(refusal);
  if (problem?.reason === ProblemReason.ALREADY_DECIDED) return true;
  return problem?.reason === ProblemReason.ASK_CLOSED && problem.field === "";
}
