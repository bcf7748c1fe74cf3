import { ConnectError } from "@connectrpc/connect";
import { type ReadonlySignal, signal } from "@preact/signals";
import { type GetUsageResponse, UsageGrouping } from "#gen/fleet/v1/fleet_service_pb.js";
import type { Gateway } from "../transport.ts";
import { asSentence } from "../ui/sentence.ts";
import { downloadWithKey } from "./download.ts";

/** The ways to group usage, with the name that the REST interface gives each. */
export const groupings = [
  { id: "day", title: "Day", grouping: UsageGrouping.DAY },
  { id: "repository", title: "Repository", grouping: UsageGrouping.REPOSITORY },
  { id: "model", title: "Model", grouping: UsageGrouping.MODEL },
  { id: "job", title: "Job", grouping: UsageGrouping.JOB },
] as const;

/** One of them. */
export type GroupingId = (typeof groupings)[number]["id"];

/** What was spent in the last 30 days, in one grouping. */
export interface UsageStore {
  readonly by: ReadonlySignal<GroupingId>;
  /** Undefined until the grouping was read. */
  readonly usage: ReadonlySignal<GetUsageResponse | undefined>;
  readonly failure: ReadonlySignal<string>;
  /** Reads usage anew, in that grouping. */
  readonly show: (by: GroupingId) => void;
  /** Saves the CSV at a path, for a caller whose key no link can carry. */
  readonly download: (path: string, apiKey: string) => Promise<void>;
}

/** Reads usage when it is asked for. */
export function createUsageStore(fleet: Gateway["fleet"]): UsageStore {
  const by = signal<GroupingId>("day");
  const usage = signal<GetUsageResponse>();
  const failure = signal("");
  const read = async (asked: GroupingId) => {
    const groupBy = groupings.find(({ id }) => id === asked)?.grouping ?? UsageGrouping.DAY;
    try {
      const answer = await fleet.getUsage({ groupBy });
      // Another grouping may have been asked for meanwhile.
      if (by.peek() === asked) usage.value = answer;
    } catch (error) {
      if (by.peek() === asked) failure.value = asSentence(ConnectError.from(error).rawMessage);
    }
  };
  return {
    by,
    usage,
    failure,
    show: (asked) => {
      if (asked !== by.peek()) usage.value = undefined;
      by.value = asked;
      failure.value = "";
      void read(asked);
    },
    download: async (path, apiKey) => {
      try {
        await downloadWithKey(path, apiKey);
      } catch (error) {
        failure.value = `The file could not be read: ${error instanceof Error ? error.message : String(error)}.`;
      }
    },
  };
}
