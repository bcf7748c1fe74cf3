import { rawLine } from "../agent-event.ts";
import type { Conclusion, ExecutorJob, OutputLine, ProcessEnd, ProcessInput } from "../executor.ts";
import { type JsonObject, parseJsonObject } from "../json-object.ts";
import { answerLine, interruptLine, promptLine } from "./input-line.ts";
import { LineTranslator } from "./line-to-events.ts";
import { judgeEnd } from "./outcome.ts";

/** What a session needs of its job. */
export interface ClaudeSessionOptions {
  readonly prompt: string;
  readonly emit: ExecutorJob["emit"];
  /** The time in ms since 1970. */
  readonly now: () => number;
}

/** One session of Claude Code: a prompt goes in, events come out until its result. */
export class ClaudeSession {
  readonly #prompt: string;
  readonly #emit: ExecutorJob["emit"];
  readonly #translator: LineTranslator;
  #stdin: ProcessInput | undefined;
  /** The newest result; undefined while a turn goes on. */
  #result: JsonObject | undefined;
  #keyRefused = false;

  constructor({ prompt, emit, now }: ClaudeSessionOptions) {
    this.#prompt = prompt;
    this.#emit = emit;
    this.#translator = new LineTranslator(now);
  }

  /** Gives the prompt. The input stays open until the result, because answers to asks go in there. */
  begin(stdin: ProcessInput): void {
    this.#stdin = stdin;
    stdin.write(promptLine(this.#prompt));
  }

  /** Takes a line that was printed. */
  take({ bytes, truncated }: OutputLine): void {
    if (bytes.length === 0) return;
    const line = truncated ? undefined : parseJsonObject(decoder.decode(bytes));
    const events = line && this.#translator.translate(line);
    for (const event of events ?? [rawLine({ bytes, truncated })]) this.#emit({ case: "agent", value: event });
    if (line) this.#follow(line);
  }

  /** Judges the session once its process has ended. */
  conclude(end: ProcessEnd): Conclusion {
    return {
      outcome: judgeEnd(end, { result: this.#result, keyRefused: this.#keyRefused }),
      result: this.#result?.text("result") ?? "",
    };
  }

  #follow(line: JsonObject): void {
    switch (line.text("type")) {
      case "system":
        if (line.text("subtype") === "init") this.#result = undefined;
        if (line.text("subtype") === "api_retry") this.#watchKey(line);
        break;
      case "control_request":
        this.#stdin?.write(answerLine(line));
        break;
      case "result":
        this.#result = line;
        if (line.count("queued_turn_count") === 0) this.#stdin?.end();
        break;
    }
  }

  /** A key that is refused twice stays wrong, but Claude Code would try it for minutes. */
  #watchKey(retry: JsonObject): void {
    if (this.#keyRefused || retry.count("error_status") !== 401 || retry.count("attempt") < 2) return;
    this.#keyRefused = true;
    this.#stdin?.write(interruptLine);
  }
}

const decoder = new TextDecoder();
