import { type KeyObject, verify } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A stand-in of the REST APIs of GitHub and GitLab, as far as pull requests, merge requests and App tokens go. */
export interface HostApi extends AsyncDisposable {
  readonly url: string;
  /** Those that are taken; a test may change them. An App's are added as they are minted. */
  readonly tokens: string[];
  /** Pull requests and merge requests, the oldest first, as they were asked for. */
  readonly opened: readonly OpenedRequest[];
  /** Every request so far: method and path. */
  readonly calls: readonly string[];
  /** Tokens of the App, in order; minted for what the bodies say. */
  readonly minted: readonly { readonly token: string; readonly body: object }[];
  /** What the next request to open is refused with. */
  refuseNext(status: number, body: object): void;
}

/** A pull request or merge request. */
export interface OpenedRequest {
  readonly number: number;
  readonly head: string;
  readonly base: string;
  readonly title: string;
  readonly body: string;
  readonly draft: boolean;
}

/** What the stand-in knows. */
export interface HostApiOptions {
  readonly tokens?: readonly string[];
  /** Public key of the GitHub App with the id 4711, which is installed everywhere. */
  readonly appKey?: KeyObject;
  readonly defaultBranch?: string;
}

/** Starts it on loopback. */
export async function startHostApi({ tokens = [], appKey, defaultBranch = "main" }: HostApiOptions): Promise<HostApi> {
  const state = { tokens: [...tokens], opened: [] as OpenedRequest[], calls: [] as string[] };
  const minted: { token: string; body: object }[] = [];
  let refusal: { status: number; body: object } | undefined;
  const server = createServer(async (request, response) => {
    const { method = "", url: target = "" } = request;
    state.calls.push(`${method} ${target}`);
    const { pathname, searchParams } = new URL(target, "http://api");
    const body = parseBody(await text(request));
    const answer = (status: number, json: object) => write(response, status, json);
    const credentials = (request.headers.authorization ?? "").replace(/^Bearer /, "");
    if (/^\/repos\/[^/]+\/[^/]+\/installation$/.test(pathname) || pathname.startsWith("/app/")) {
      if (appKey === undefined || !isSignedByApp(credentials, appKey)) return answer(401, { message: "Bad JWT" });
      if (method === "GET") return answer(200, { id: 99 });
      const token = `ghs_minted${minted.length + 1}`;
      minted.push({ token, body });
      state.tokens.push(token);
      return answer(201, { token, expires_at: new Date(Date.now() + 3_600_000).toISOString() });
    }
    if (!state.tokens.includes(credentials)) return answer(401, { message: "Bad credentials" });
    const kind: HostKind = pathname.startsWith("/projects/") ? gitlab : github;
    if (!kind.isRequests.test(pathname)) return answer(200, { default_branch: defaultBranch });
    if (method === "GET") {
      const branch = kind.branchOf(searchParams);
      return answer(200, state.opened.filter(({ head }) => head === branch).map(kind.show));
    }
    const refused = refusal;
    refusal = undefined;
    if (refused !== undefined) return answer(refused.status, refused.body);
    const opened = { number: state.opened.length + 1, ...kind.read(body) };
    state.opened.push(opened);
    return answer(201, kind.show(opened));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...state,
    minted,
    refuseNext: (status, body) => {
      refusal = { status, body };
    },
    [Symbol.asyncDispose]: close,
  };
}

type Fields = Readonly<Record<string, unknown>>;

/** How one kind of host words it. */
interface HostKind {
  readonly isRequests: RegExp;
  readonly branchOf: (query: URLSearchParams) => string;
  readonly read: (body: Fields) => Omit<OpenedRequest, "number">;
  readonly show: (request: OpenedRequest) => object;
}

const github: HostKind = {
  isRequests: /^\/repos\/[^/]+\/[^/]+\/pulls$/,
  branchOf: (query: URLSearchParams) => (query.get("head") ?? "").replace(/^[^:]*:/, ""),
  read: (body: Fields) => ({
    head: String(body.head),
    base: String(body.base),
    title: String(body.title),
    body: String(body.body),
    draft: body.draft === true,
  }),
  show: ({ number, base }: OpenedRequest) => ({
    html_url: `https://github.test/acme/api/pull/${number}`,
    number,
    base: { ref: base },
  }),
};

const gitlab: HostKind = {
  isRequests: /^\/projects\/[^/]+\/merge_requests$/,
  branchOf: (query: URLSearchParams) => query.get("source_branch") ?? "",
  read: (body: Fields) => ({
    head: String(body.source_branch),
    base: String(body.target_branch),
    title: String(body.title),
    body: String(body.description),
    draft: String(body.title).startsWith("Draft: "),
  }),
  show: ({ number, base }: OpenedRequest) => ({
    web_url: `https://gitlab.test/acme/api/-/merge_requests/${number}`,
    iid: number,
    target_branch: base,
  }),
};

function parseBody(json: string): Fields {
  return json === "" ? {} : (JSON.parse(json) as Fields);
}

function write(response: ServerResponse<IncomingMessage>, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function isSignedByApp(jwt: string, key: KeyObject): boolean {
  const [head = "", payload = "", signature = ""] = jwt.split(".");
  const isSigned = verify("sha256", Buffer.from(`${head}.${payload}`), key, Buffer.from(signature, "base64url"));
  return isSigned && JSON.parse(Buffer.from(payload, "base64url").toString()).iss === "4711";
}
