import { maxTextBytes } from "../agent-event.ts";
import { cutText } from "../cut-text.ts";
import type { ExecutorJob } from "../executor.ts";
import type { JsonObject } from "../json-object.ts";
import { type ToolAnswer, toolAnswer } from "./tool-answer.ts";
import { planTool, toolQuestion } from "./tool-question.ts";

/** What ToolConsent works with. */
export interface ToolConsentOptions {
  readonly job: Pick<ExecutorJob, "ask" | "workspace">;
  /** Answers a request of the program's, once. */
  readonly answer: (requestId: string, answer: ToolAnswer) => void;
  /** The tool call inside which a sub-agent works; empty for one that is not known. */
  readonly callOfSubAgent: (agentId: string) => string;
  /** The newest plan in the agent's home. */
  readonly readPlan: () => string;
}

/** Brings the program's requests to use a tool before people, and their decisions back. */
export class ToolConsent {
  readonly #options: ToolConsentOptions;
  readonly #open = new Map<string, AbortController>();
  readonly #plans = new Map<string, string>();

  constructor(options: ToolConsentOptions) {
    this.#options = options;
  }

  /** Remembers the plans in a message of the model: the request to follow one does not repeat it. */
  watch(message: JsonObject): void {
    for (const block of message.objects("content")) {
      if (block.text("name") === planTool) this.#plans.set(block.text("id"), block.object("input").text("plan"));
    }
  }

  /** Asks, and answers when it is decided. */
  async request(requestId: string, request: JsonObject): Promise<void> {
    const { job, answer, callOfSubAgent, readPlan } = this.#options;
    if (Buffer.byteLength(JSON.stringify(request)) > maxRequestBytes) {
      answer(requestId, tooLarge);
      return;
    }
    const plan = this.#plans.get(request.text("tool_use_id")) || readPlan();
    const question = toolQuestion(request, { plan: cutText(plan, maxTextBytes).text, workspace: job.workspace });
    const withdrawal = new AbortController();
    this.#open.set(requestId, withdrawal);
    const agentId = request.text("agent_id");
    const parentToolCallId = agentId === "" ? "" : callOfSubAgent(agentId);
    const decision = await job.ask(question, { parentToolCallId, signal: withdrawal.signal });
    // One that was withdrawn waits for no answer any more.
    if (this.#open.delete(requestId) && decision !== undefined)
      answer(requestId, toolAnswer(request, question, decision));
  }

  /** Takes a request back. */
  cancel(requestId: string): void {
    const withdrawal = this.#open.get(requestId);
    this.#open.delete(requestId);
    withdrawal?.abort();
  }
}

/** What fits an event whole, together with the longest decision: people shall see all of what they allow. */
const maxRequestBytes = 512 * 1024;

const tooLarge: ToolAnswer = {
  behavior: "deny",
  message: "Denied: this input is too large to be shown to a person. Do it in smaller steps.",
};
