import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answerWithGit } from "./http-backend.ts";
import { answerLfs, type LfsObjects } from "./lfs.ts";

/** A git host on loopback, smart HTTP. */
export interface GitServer extends AsyncDisposable {
  /** `<url>/<name>` and `<url>/<name>.git` are the repository made as `name`. */
  readonly url: string;
  /** Every request so far, in order of arrival. */
  readonly requests: readonly GitRequest[];
  /** Cut every connection, end every git that answers one, and stop listening. */
  close(): Promise<void>;
}

/** What a caller of the git host sent ahead of its body. */
export interface GitRequest {
  readonly method: string;
  readonly target: string;
  readonly authorization: string | undefined;
}

/**
 * Serve the bare repositories of a folder, and what Git LFS has of their files. With tokens, only a caller that shows one of them may read or push: as the
 * password of any user, as GitHub and GitLab take it, or as a bearer.
 */
export async function startGitServer({
  folder,
  tokens,
  lfs = new Map(),
}: {
  folder: string;
  tokens?: readonly string[];
  lfs?: LfsObjects;
}): Promise<GitServer> {
  const requests: GitRequest[] = [];
  const answering = new Set<Promise<void>>();

  const server = createServer((request, response) => {
    const { method = "", url: target = "", headers } = request;
    requests.push({ method, target, authorization: headers.authorization });
    if (tokens && !isAllowed(headers.authorization, tokens)) return refuse(request, response);
    const answered = answerLfs(request, response, lfs).then((isAnswered) =>
      isAnswered ? undefined : answerWithGit(request, response, { folder, user: "caller" }),
    );
    answering.add(answered);
    void answered.finally(() => answering.delete(answered));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  async function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await Promise.all([closed, ...answering]);
  }

  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, requests, close, [Symbol.asyncDispose]: close };
}

function isAllowed(authorization: string | undefined, tokens: readonly string[]): boolean {
  const [scheme = "", credentials = ""] = (authorization ?? "").split(" ");
  switch (scheme.toLowerCase()) {
    case "bearer":
      return tokens.includes(credentials);
    case "basic": {
      const pair = Buffer.from(credentials, "base64").toString();
      return tokens.includes(pair.slice(pair.indexOf(":") + 1));
    }
    default:
      return false;
  }
}

function refuse(request: IncomingMessage, response: ServerResponse): void {
  request.resume();
  response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end("a token is needed\n");
}
