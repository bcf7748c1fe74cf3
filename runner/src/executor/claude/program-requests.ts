import type { JsonObject } from "../json-object.ts";
import { requestLine } from "./input-line.ts";

/** The program's answer to a request. */
export type ProgramAnswer =
  | { readonly kind: "done" }
  /** In the program's words. */
  | { readonly kind: "refused"; readonly error: string };

/** Requests to the program itself, each with its answer. */
export class ProgramRequests {
  readonly #write: (line: string) => void;
  readonly #unanswered = new Map<string, (answer: ProgramAnswer) => void>();
  #count = 0;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  /** Makes a request; its answer never comes when the program ends before. */
  send(request: object): Promise<ProgramAnswer> {
    this.#count += 1;
    const id = `runner-${this.#count}`;
    const { promise, resolve } = Promise.withResolvers<ProgramAnswer>();
    this.#unanswered.set(id, resolve);
    this.#write(requestLine(id, request));
    return promise;
  }

  /** Takes an answer. */
  answered(response: JsonObject): void {
    const id = response.text("request_id");
    const isDone = response.text("subtype") === "success";
    this.#unanswered.get(id)?.(isDone ? { kind: "done" } : { kind: "refused", error: response.text("error") });
    this.#unanswered.delete(id);
  }
}
