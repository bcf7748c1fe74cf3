/** Streams of envelopes between a Durable Object and the Worker. */

import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { endStreamFromJson } from "@connectrpc/connect/protocol-connect";
import { EnvelopeSplitter, envelopeFlags, envelopeMessage, messageFlag } from "#protocol/envelope.ts";

/**
 * The messages of a Connect stream of envelopes, until its end-of-stream envelope. Throws the error in that, or that the
 * stream broke off before.
 */
export async function* decodeEnvelopes<Schema extends DescMessage>(
  schema: Schema,
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<MessageShape<Schema>> {
  const splitter = new EnvelopeSplitter();
  const reader = body.getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new Error("the stream broke off");
      for (const envelope of splitter.push(new Uint8Array(value))) {
        if (envelopeFlags(envelope) !== messageFlag) {
          const { error } = endStreamFromJson(envelopeMessage(envelope));
          if (error !== undefined) throw error;
          return;
        }
        yield fromBinary(schema, envelopeMessage(envelope));
      }
    }
  } finally {
    // The reader may have left early; the object behind the stream shall know.
    await reader.cancel().catch(() => undefined);
  }
}
