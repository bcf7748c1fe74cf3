import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { setSecurityHeaders } from "../../gateway/src/auth/security-headers.ts";

const dist = join(import.meta.dirname, "../../web-client/dist");

const types: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".json": "application/json",
  ".svg": "image/svg+xml",
};

/** Serves the built page as the gateway does, with its content policy, and nothing else. */
export async function servePages(): Promise<{ readonly url: string; readonly close: () => Promise<void> }> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    if (/^\/(api\/|blazecraft\.)/.test(pathname)) {
      response.writeHead(503, { "content-type": "text/plain" }).end("no gateway here");
      return;
    }
    const name = extname(pathname) === "" ? "index.html" : normalize(pathname);
    const body = await readFile(join(dist, name)).catch(() => undefined);
    const headers = new Headers({ "content-type": types[extname(name)] ?? "application/octet-stream" });
    setSecurityHeaders(headers, { isPage: true, isHttps: false });
    response.writeHead(body ? 200 : 404, Object.fromEntries(headers)).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
