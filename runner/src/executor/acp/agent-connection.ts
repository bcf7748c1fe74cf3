import {
  type AnyMessage,
  type ClientContext,
  client,
  type RequestPermissionRequest,
  type RequestPermissionResponse,
} from "@agentclientprotocol/sdk";
import type { JsonObject } from "../json-object.ts";

/** The runner's end of a connection. */
export interface ConnectionOptions {
  /** Sends a line, its end included. */
  readonly write: (line: string) => void;
  /** Answers an agent that asks for consent; the signal says that it no longer waits. */
  readonly answerPermission: (
    request: RequestPermissionRequest,
    signal: AbortSignal,
  ) => Promise<RequestPermissionResponse>;
}

/** A connection to an agent whose messages are lines of its process. */
export class AgentConnection {
  readonly agent: ClientContext;
  readonly #incoming: ReadableStreamDefaultController<AnyMessage>;
  readonly #close: (reason: Error) => void;

  constructor({ write, answerPermission }: ConnectionOptions) {
    const { readable, controller } = openStream();
    const writable = new WritableStream<AnyMessage>({ write: (message) => write(`${JSON.stringify(message)}\n`) });
    const connection = client()
      .onRequest("session/request_permission", ({ params, signal }) => answerPermission(params, signal))
      // Whoever translates the lines has read it.
      .onNotification("*", () => undefined)
      .connect({ readable, writable });
    this.agent = connection.agent;
    this.#incoming = controller;
    this.#close = (reason) => connection.close(reason);
  }

  /** Takes a message of the agent. */
  take(message: JsonObject): void {
    this.#incoming.enqueue(message.toJSON() as AnyMessage);
  }

  /** Fails what still waits for an answer. */
  close(reason: Error): void {
    this.#close(reason);
  }
}

function openStream() {
  let controller: ReadableStreamDefaultController<AnyMessage> | undefined;
  const readable = new ReadableStream<AnyMessage>({
    start: (given) => {
      controller = given;
    },
  });
  if (controller === undefined) throw new Error("a stream starts when it is made");
  return { readable, controller };
}
