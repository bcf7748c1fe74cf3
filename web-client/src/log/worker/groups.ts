import type { Stretch } from "./layout.ts";
import { type Item, lastAtOrBefore, type Place } from "./sequence.ts";

/** What a line says about groups, by the marks of GitHub, Azure and Buildkite. */
export type GroupMark =
  | { readonly kind: "begin"; readonly title: string; readonly staysOpen: boolean }
  | { readonly kind: "end" }
  /** The group around it shall stay open: something failed in it. */
  | { readonly kind: "reveal" };

const marks =
  /^(?:(?:::|##\[)group(?:::|\])(?<title>.*)|(?<end>(?:::|##\[)endgroup(?:::|\]))|(?<reveal>\^\^\^ \+\+\+)|(?<sign>---|\+\+\+|~~~) (?!a\/|b\/|\/dev\/null)(?<named>\S.*))\s*$/;
const markStarts = new Set([..."::#-+~^"].map((character) => character.charCodeAt(0)));

/** True when a line with these bytes may hold a mark: a cheap look before the dear one. */
export function mayMark(bytes: Uint8Array): boolean {
  return markStarts.has(bytes[0] ?? 0);
}

/** The mark of a line, if it is one. */
export function readMark(text: string): GroupMark | undefined {
  const found = marks.exec(text)?.groups;
  if (!found) return undefined;
  if (found.end) return { kind: "end" };
  if (found.reveal) return { kind: "reveal" };
  return { kind: "begin", title: (found.title ?? found.named ?? "").trim(), staysOpen: found.sign === "+++" };
}

/** A group: its head is an item that is always shown, what follows until its end can be folded away. */
export interface Group {
  readonly head: Item;
  readonly place: Place;
  readonly startMs: number;
  readonly isTool: boolean;
  /** Last place of it, once it ended. */
  readonly to: Place | undefined;
  readonly endMs: number;
  readonly rows: number;
  readonly hasFailed: boolean;
  readonly staysOpen: boolean;
  /** What a person chose; undefined for the rule. */
  readonly choice: boolean | undefined;
}

/** The groups of a log, one after another; none is inside another. */
export class Groups {
  readonly #groups: Group[] = [];

  /** The groups in order. */
  get all(): readonly Group[] {
    return this.#groups;
  }

  /** How many have ended. */
  get ended(): number {
    return this.#groups.length - (this.#open ? 1 : 0);
  }

  /** Begins a group, which ends the one before. */
  begin(group: Pick<Group, "head" | "place" | "startMs" | "isTool" | "staysOpen">): void {
    this.end(group.place - 1, group.startMs);
    this.#groups.push({ ...group, to: undefined, endMs: 0, rows: 0, hasFailed: false, choice: undefined });
  }

  /** Ends the open group, if there is one. */
  end(to: Place, endMs: number): void {
    if (this.#open) this.#changeLast({ to, endMs });
  }

  /** Something was added behind the newest head. */
  grow(): void {
    if (this.#open) this.#changeLast({ rows: this.#open.rows + 1 });
  }

  /** The newest group failed. */
  fail(): void {
    if (this.#groups.length > 0) this.#changeLast({ hasFailed: true });
  }

  /** The group that a place is in, its head included. */
  around(place: Place): Group | undefined {
    const group = this.#groups[this.#indexBefore(place)];
    return group && place <= (group.to ?? Number.POSITIVE_INFINITY) ? group : undefined;
  }

  /** The group that many further on, seen from a place. */
  beside(place: Place, step: 1 | -1): Group | undefined {
    const at = this.#indexBefore(place);
    if (step > 0) return this.#groups[at + 1];
    const isOnHead = this.#groups[at]?.place === place;
    return this.#groups[isOnHead ? at - 1 : at];
  }

  /** Folds or unfolds a group, or all of them, whatever the rule says. */
  choose(head: Item | "all", isFolded: boolean): void {
    this.#groups.forEach((group, at) => {
      if (head === "all" || group.head === head) this.#groups[at] = { ...group, choice: isFolded };
    });
  }

  /** True when a group is folded. By itself a group folds that ended well, is not the last, and may: see `stretches`. */
  isFolded(group: Group, mayFold: number): boolean {
    if (group.choice !== undefined) return group.choice;
    const at = this.#indexBefore(group.place);
    const isLast = at === this.#groups.length - 1;
    return group.to !== undefined && !isLast && !group.hasFailed && !group.staysOpen && at < mayFold;
  }

  /** What is folded away, when the first so many groups may fold by themselves. */
  stretches(mayFold: number): readonly Stretch[] {
    return this.#groups
      .filter((group) => this.isFolded(group, mayFold))
      .map(({ place, to }) => ({ from: place + 1, to: to ?? Number.MAX_SAFE_INTEGER }));
  }

  get #open(): Group | undefined {
    const last = this.#groups.at(-1);
    return last?.to === undefined ? last : undefined;
  }

  #changeLast(change: Partial<Group>): void {
    const last = this.#groups.at(-1);
    if (last) this.#groups[this.#groups.length - 1] = { ...last, ...change };
  }

  #indexBefore(place: Place): number {
    return lastAtOrBefore(this.#groups.length, (at) => (this.#groups[at]?.place ?? 0) <= place);
  }
}
