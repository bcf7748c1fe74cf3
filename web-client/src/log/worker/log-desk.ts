import { matchText } from "#protocol/text-match.ts";
import type { Found, FromWorker, Look, ToWorker } from "../log-messages.ts";
import type { LogQuery } from "../log-query.ts";
import { copyText } from "./copy-text.ts";
import { FarCalls } from "./far-calls.ts";
import { linesOfPage } from "./line-page.ts";
import type { StoreLimits } from "./line-store.ts";
import { LogContent } from "./log-content.ts";
import { LogViewState } from "./log-view-state.ts";
import { type Match, Search } from "./search.ts";

/** What a desk works with. */
export interface DeskPorts {
  readonly post: (message: FromWorker) => void;
  /** Runs a piece of work once waiting messages were heard. */
  readonly soon: (work: () => void) => void;
  /** Compiles an expression; throws why it cannot. */
  readonly expression: (query: LogQuery) => Promise<Match>;
  readonly limits: StoreLimits;
}

const sliceMs = 8;

/** One log in the worker: takes what the page sends, and answers each view once there is something new. */
export class LogDesk {
  readonly #ports: DeskPorts;
  readonly #content: LogContent;
  readonly #far: FarCalls;
  readonly #views = new Map<number, { readonly state: LogViewState; look: Look | undefined }>();
  #version = 1;
  #isSearching = false;

  constructor(ports: DeskPorts) {
    this.#ports = ports;
    this.#content = new LogContent(ports.limits);
    this.#far = new FarCalls(ports.post);
  }

  hear(message: ToWorker): void {
    switch (message.kind) {
      case "entries":
        for (const entry of message.entries) this.#content.take(entry);
        this.#grow();
        break;
      case "total":
        this.#content.expect(message.lines);
        this.#change();
        break;
      case "look":
        this.#view(message.view).look = message;
        break;
      case "close":
        this.#views.delete(message.view);
        break;
      case "fold":
        this.#content.groups.choose(message.head, message.isFolded);
        this.#change();
        break;
      case "foldAll":
        this.#view(message.view).state.foldAll();
        this.#change();
        break;
      case "search":
        void this.#search(message.view, message.query);
        break;
      case "filter":
        this.#view(message.view).state.isFiltering = message.isOn;
        this.#change();
        break;
      case "goTo":
        this.#ports.post({ kind: "found", call: message.call, found: this.#goTo(message) });
        break;
      case "text":
        this.#ports.post({ kind: "textRead", call: message.call, text: copyText(this.#content, message) });
        break;
      case "lines":
        this.#far.gotLines(message.from);
        this.#content.fill(message, message.lines);
        this.#change();
        break;
      case "farMatches":
        this.#far.gotMatches(message);
        break;
      default:
        message satisfies never;
    }
    this.#answer();
  }

  #view(id: number): { readonly state: LogViewState; look: Look | undefined } {
    const view = this.#views.get(id) ?? { state: new LogViewState(this.#content), look: undefined };
    this.#views.set(id, view);
    return view;
  }

  #grow(): void {
    const changed = this.#content.intake.takeChanged();
    this.#content.errors.grow(changed);
    for (const { state } of this.#views.values()) state.search?.grow(changed);
    this.#change();
    this.#goOnSearching();
  }

  #change(): void {
    this.#version++;
    for (const { state } of this.#views.values()) state.outdate();
  }

  #goTo({ view, target }: Extract<ToWorker, { kind: "goTo" }>): Found | undefined {
    const found = this.#view(view).state.goTo(target);
    this.#version++;
    return found && { ...found, version: this.#version };
  }

  async #search(id: number, query: LogQuery | undefined): Promise<void> {
    const { state } = this.#view(id);
    const search = query && (await this.#begin(query));
    state.search = search;
    search?.grow([]);
    this.#change();
    this.#goOnSearching();
    this.#answer();
  }

  async #begin(query: LogQuery): Promise<Search> {
    const { intake, sequence, notes } = this.#content;
    const searched = {
      intake,
      sequence,
      textOfNote: (note: number) => notes.at(-note - 1)?.text ?? "",
      findFar: (wanted: LogQuery, range: { from: number; to: number }) =>
        this.#far.needMatches(wanted, range).finally(() => this.#ports.soon(() => this.#goOnSearching())),
    };
    try {
      const match = query.isExpression ? await this.#ports.expression(query) : matchText(query.text, query);
      return new Search(query, match, searched);
    } catch (error) {
      const nothing = new Search(query, () => false, searched);
      nothing.failure = error instanceof Error ? error.message : String(error);
      return nothing;
    }
  }

  #goOnSearching(): void {
    if (this.#isSearching) return;
    this.#isSearching = true;
    this.#ports.soon(() => {
      this.#isSearching = false;
      const searches = [...this.#views.values()].flatMap(({ state }) => state.search ?? []);
      for (const search of searches) search.step(sliceMs, this.#content.notes.count);
      if (searches.length === 0) return;
      this.#change();
      if (searches.some((search) => search.hasWork)) this.#goOnSearching();
      this.#answer();
    });
  }

  /** Shows each view what it waits for, and asks for lines it lacks. */
  #answer(): void {
    for (const view of this.#views.values()) {
      const { look, state } = view;
      if (!look || look.known === this.#version) continue;
      view.look = undefined;
      const { frame, missing } = state.frame(look, this.#version);
      this.#ports.post({ kind: "frame", ...frame });
      for (const page of missing) {
        const { from, to } = linesOfPage(page);
        this.#far.needLines(from, Math.min(to, this.#content.totalLines));
      }
    }
  }
}
