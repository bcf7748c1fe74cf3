import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A way to the gateway on which streams break. */
export interface CutStreams {
  readonly url: string;
  /** How many streams were cut. */
  readonly cuts: () => number;
  readonly close: () => Promise<void>;
}

/** Stands in front of a gateway and cuts each WatchJob after as many bytes as the list says; those after them live. */
export async function cutStreams(gatewayUrl: string, afterBytes: readonly number[]): Promise<CutStreams> {
  let cuts = 0;
  const forward = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { method, url, headers } = incoming;
    const limit = url?.endsWith("/WatchJob") ? afterBytes[cuts] : undefined;
    const onward = request(`${gatewayUrl}${url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      let sent = 0;
      let isCut = false;
      answer.on("data", (bytes: Buffer) => {
        sent += bytes.length;
        if (limit === undefined || sent < limit) {
          outgoing.write(bytes);
          return;
        }
        if (isCut) return;
        isCut = true;
        cuts += 1;
        outgoing.write(bytes.subarray(0, bytes.length - (sent - limit)), () => outgoing.destroy());
        answer.destroy();
      });
      answer.on("end", () => outgoing.end());
    });
    onward.on("error", () => outgoing.destroy());
    outgoing.on("close", () => onward.destroy());
    incoming.pipe(onward);
  };
  const server = createServer(forward);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    cuts: () => cuts,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
