/** A body that takes the next piece only when its reader has room for it. `stop` is called when the reader leaves. */
export function streamedBody(pieces: AsyncIterable<Uint8Array>, stop: () => void): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const { done, value } = await iterator.next();
          if (done) return controller.close();
          if (value.length > 0) return controller.enqueue(value);
        }
      },
      cancel: stop,
    },
    { highWaterMark: 0 },
  );
}
