import { ConnectError } from "@connectrpc/connect";
import { type ReadonlySignal, signal } from "@preact/signals";
import type { AskRule } from "#gen/job/v1/ask_pb.js";
import type { Gateway } from "../transport.ts";
import { asSentence } from "../ui/sentence.ts";

/** The rules that decide asks without a person. */
export interface RuleStore {
  /** Undefined until they were read. */
  readonly rules: ReadonlySignal<readonly AskRule[] | undefined>;
  readonly failure: ReadonlySignal<string>;
  readonly refresh: () => void;
  readonly revoke: (id: string) => void;
}

/** Reads rules when they are asked for, and after each that was revoked. */
export function createRuleStore(jobs: Gateway["jobs"]): RuleStore {
  const rules = signal<readonly AskRule[]>();
  const failure = signal("");
  const attempt = async (use: () => Promise<void>) => {
    failure.value = "";
    try {
      await use();
    } catch (error) {
      failure.value = asSentence(ConnectError.from(error).rawMessage);
    }
  };
  const read = async () => {
    rules.value = (await jobs.listAskRules({})).rules;
  };
  return {
    rules,
    failure,
    refresh: () => void attempt(read),
    revoke: (id) =>
      void attempt(async () => {
        await jobs.revokeAskRule({ id });
        await read();
      }),
  };
}
