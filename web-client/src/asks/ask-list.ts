import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Ask, AskState } from "#gen/job/v1/ask_pb.js";

/** Every ask this page has heard of, by id: the open ones, and the last that closed while it watched. */
export type AskList = ReadonlyMap<string, Ask>;

/** Most closed asks held; a card needs only the last ones. */
const maxClosed = 50;

/** True while an ask waits for a person. */
export function isOpen(ask: Ask): boolean {
  return ask.state === AskState.OPEN;
}

/** The list with asks as they were read elsewhere. A closed ask never opens again, however late an older reading comes. */
export function withAsks(list: AskList, read: Iterable<Ask>): AskList {
  const news = [...read].filter((ask) => isNews(list.get(ask.id), ask));
  if (news.length === 0) return list;
  const next = new Map(list);
  for (const ask of news) {
    // A closed ask goes to the end, so that the ones that closed first are forgotten first.
    next.delete(ask.id);
    next.set(ask.id, ask);
  }
  const closed = [...next.values()].filter((ask) => !isOpen(ask));
  for (const { id } of closed.slice(0, Math.max(0, closed.length - maxClosed))) next.delete(id);
  return next;
}

/** The list without the asks of a job that is gone. */
export function withoutJob(list: AskList, jobId: string): AskList {
  return new Map([...list].filter(([, ask]) => ask.jobId !== jobId));
}

/** The asks that wait, the oldest first. */
export function openAsks(list: AskList): readonly Ask[] {
  return [...list.values()].filter(isOpen).toSorted((a, b) => createdMs(a) - createdMs(b) || (a.id < b.id ? -1 : 1));
}

/** The ask to show of those that wait: the one that is shown already, for as long as it waits, then the oldest. */
export function chooseShown(waiting: readonly Ask[], shownId: string | undefined): Ask | undefined {
  return waiting.find((ask) => ask.id === shownId) ?? waiting[0];
}

function isNews(held: Ask | undefined, read: Ask): boolean {
  if (read.state === AskState.UNSPECIFIED) return false;
  return held === undefined || (isOpen(held) && !isOpen(read));
}

function createdMs({ createTime }: Ask): number {
  return createTime ? timestampMs(createTime) : 0;
}
