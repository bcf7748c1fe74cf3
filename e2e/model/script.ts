import type { ModelRequest } from "./request.ts";
import { answer, type Turn, text } from "./turn.ts";

/** Decides what the model says to a request. What the CLI asks for itself never reaches it. */
export type Script = (request: ModelRequest) => Turn;

/** The turns of a conversation, in order, and those that each of its sub-agents plays from the first. */
export interface Turns {
  readonly main: readonly Turn[];
  readonly subagent: readonly Turn[];
}

/** A script that plays its turns in order, from the first for each session; past the end it refuses. */
export function inOrder(turns: Turns): Script {
  const played = new Map<string, number>();
  return ({ session, thread }) => {
    const list = thread.kind === "subagent" ? turns.subagent : turns.main;
    const conversation = thread.kind === "subagent" ? `${session} ${thread.id}` : session;
    const position = played.get(conversation) ?? 0;
    played.set(conversation, position + 1);
    return list[position] ?? overTurn(list.length);
  };
}

/** What the CLI is told when it asks for itself; undefined for a request that the script answers. */
export function backgroundTurn(request: ModelRequest): Turn | undefined {
  switch (request.thread.kind) {
    case "main":
    case "subagent":
      return undefined;
    case "compaction":
      return answer([text("<analysis>Scripted.</analysis>\n<summary>The work so far, in short.</summary>")]);
    case "background":
      return answer([text(JSON.stringify({ title: "Scripted title" }))]);
  }
}

/** 403, because the CLI asks again after most other errors. */
function overTurn(length: number): Turn {
  const message = `the script is over after ${length} turns`;
  return { kind: "refusal", status: 403, errorType: "permission_error", message, headers: {} };
}
