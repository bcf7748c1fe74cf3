import { spawn } from "node:child_process";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { isolatedGit } from "./run-git.ts";

/** Answer one request with `git http-backend`, run by the rules of CGI; ends when the process has. */
export async function answerWithGit(
  request: IncomingMessage,
  response: ServerResponse,
  { folder, user }: { folder: string; user: string },
): Promise<void> {
  const child = spawn("git", ["http-backend"], {
    env: environment(request, folder, user),
    stdio: ["pipe", "pipe", "ignore"],
  });
  const exited = new Promise<void>((resolve, reject) => child.once("error", reject).once("close", () => resolve()));
  response.once("close", () => child.kill());
  // Either side may leave early: git once it knows enough, the caller at any time.
  const uploaded = pipeline(request, child.stdin).catch(() => undefined);
  const answered = answer(child.stdout, response).catch(() => response.destroy());
  await Promise.all([uploaded, answered, exited]);
}

async function answer(output: NodeJS.ReadableStream, response: ServerResponse): Promise<void> {
  let head = Buffer.alloc(0);
  for await (const chunk of output as AsyncIterable<Buffer>) {
    if (response.headersSent) {
      response.write(chunk);
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end === -1) continue;
    writeHead(response, head.toString("latin1", 0, end));
    response.write(head.subarray(end + 4));
  }
  if (!response.headersSent) response.writeHead(502);
  response.end();
}

/** CGI states the status, when it is not 200, in a header of that name. */
function writeHead(response: ServerResponse, head: string): void {
  let status = 200;
  for (const line of head.split("\r\n")) {
    const [name = "", value = ""] = line.split(/:\s*(.*)/s);
    if (name.toLowerCase() === "status") status = Number.parseInt(value, 10);
    else response.appendHeader(name, value);
  }
  response.writeHead(status);
}

function environment(request: IncomingMessage, folder: string, user: string): NodeJS.ProcessEnv {
  const { pathname, search } = new URL(request.url ?? "/", "http://git");
  const { headers } = request;
  return {
    ...isolatedGit,
    GIT_PROJECT_ROOT: folder,
    GIT_HTTP_EXPORT_ALL: "1",
    GIT_PROTOCOL: String(headers["git-protocol"] ?? ""),
    REQUEST_METHOD: request.method,
    PATH_INFO: decodeURIComponent(pathname),
    QUERY_STRING: search.slice(1),
    CONTENT_TYPE: headers["content-type"] ?? "",
    CONTENT_LENGTH: headers["content-length"] ?? "",
    HTTP_CONTENT_ENCODING: headers["content-encoding"] ?? "",
    REMOTE_ADDR: request.socket.remoteAddress ?? "",
    // A caller with a name may push.
    REMOTE_USER: user,
  };
}
