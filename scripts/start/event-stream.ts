/** One server-sent event. */
export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
}

/** The events of a `text/event-stream` body, as they come. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  let rest = "";
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = block.split("\n").map((line) => line.split(/: ?(.*)/s, 2));
      const valueIn = (name: string) => fields.filter(([field]) => field === name).map(([, value]) => value ?? "");
      const data = valueIn("data").join("\n");
      if (data) yield { event: valueIn("event").at(-1) ?? "message", data };
    }
  }
}
