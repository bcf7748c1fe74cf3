import type { FromWorker, ToWorker } from "../log-messages.ts";
import type { LogQuery } from "../log-query.ts";

type Waiting = { readonly resolve: (numbers: readonly number[]) => void; readonly reject: (error: Error) => void };

/** Questions to the page about lines that are not held, and their answers. */
export class FarCalls {
  readonly #post: (message: FromWorker) => void;
  readonly #waiting = new Map<number, Waiting>();
  readonly #asked = new Set<number>();
  #calls = 0;

  constructor(post: (message: FromWorker) => void) {
    this.#post = post;
  }

  /** Asks for lines once; again only after an answer came. */
  needLines(from: number, to: number): void {
    if (this.#asked.has(from)) return;
    this.#asked.add(from);
    this.#post({ kind: "needLines", from, to });
  }

  /** Says that lines were answered. */
  gotLines(from: number): void {
    this.#asked.delete(from);
  }

  /** Numbers of the lines of a range that match. */
  needMatches(
    query: LogQuery,
    { from, to }: { readonly from: number; readonly to: number },
  ): Promise<readonly number[]> {
    const call = ++this.#calls;
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      this.#post({ kind: "needMatches", call, query, from, to });
    });
  }

  gotMatches({ call, numbers, failure }: Extract<ToWorker, { kind: "farMatches" }>): void {
    const waiting = this.#waiting.get(call);
    this.#waiting.delete(call);
    if (failure) waiting?.reject(new Error(failure));
    else waiting?.resolve(numbers);
  }
}
