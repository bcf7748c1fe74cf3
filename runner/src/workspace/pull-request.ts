import type { CredentialStore } from "./credentials.ts";
import { findHost, type HostedRepository, type HostsSettings } from "./git-hosts.ts";
import { githubPulls } from "./github-pulls.ts";
import { gitlabMergeRequests } from "./gitlab-merge-requests.ts";
import { type ApiAccess, type ApiAnswer, type ApiCall, callApi, complaintOf, textOf } from "./host-api.ts";

/** A pull request or merge request, as its host has it. */
export interface OpenRequest {
  readonly url: string;
  readonly number: number;
  /** Branch that it shall go into. */
  readonly base: string;
}

/** A pull request or merge request to open. */
export interface RequestWish {
  readonly branch: string;
  /** Branch that it shall go into; empty: the default branch. */
  readonly base: string;
  readonly title: string;
  readonly body: string;
  readonly draft: boolean;
}

/** How one kind of host has pull requests. */
export interface RequestApi {
  readonly headers: Readonly<Record<string, string>>;
  /** Asks for those that are open for a branch. */
  findCall(path: string, branch: string): ApiCall;
  /** The first of them; undefined when there is none. */
  firstOf(body: unknown): OpenRequest | undefined;
  /** Asks for the repository. */
  repositoryCall(path: string): ApiCall;
  openCall(path: string, wish: RequestWish): ApiCall;
  opened(body: unknown): OpenRequest;
}

/** What pull requests are opened with. */
export interface RequestParts {
  readonly hosts: HostsSettings;
  readonly credentials: CredentialStore;
  readonly fetch: typeof fetch;
}

/** What came of opening one. */
export type RequestResult =
  | ({ readonly kind: "open" } & OpenRequest)
  | { readonly kind: "refused"; readonly why: "credentials" | "host"; readonly reason: string };

/** Opens a pull request (GitHub) or merge request (GitLab); one that is open for the branch is answered as it stands. */
export async function openRequest(url: string, wish: RequestWish, parts: RequestParts): Promise<RequestResult> {
  const host = findHost(url, parts.hosts);
  if (host === undefined)
    return refuse("host", `${new URL(url).host} is neither GitHub nor GitLab, as far as is known`);
  const first = await tryOnce(host, wish, { url, ...parts });
  return first.kind === "stale" ? settle(await tryOnce(host, wish, { url, ...parts }), host) : settle(first, host);
}

/** Where people see a branch; empty when the host's kind is not known. */
export function branchUrl(url: string, branch: string, hosts: HostsSettings): string {
  const name = branch.split("/").map(encodeURIComponent).join("/");
  switch (findHost(url, hosts)?.kind) {
    case "github":
      return `${url}/tree/${name}`;
    case "gitlab":
      return `${url}/-/tree/${name}`;
    case undefined:
      return "";
  }
}

const apis = { github: githubPulls, gitlab: gitlabMergeRequests };

type Try = RequestResult | { readonly kind: "stale"; readonly origin: string };

/** `stale`: the host does not take the token, and another may be had. */
async function tryOnce(
  host: HostedRepository,
  wish: RequestWish,
  { url, credentials: store, fetch }: RequestParts & { readonly url: string },
): Promise<Try> {
  const credentials = await store.credentialsFor(url, "write");
  if (credentials.kind === "failed") return refuse("credentials", credentials.problem);
  if (credentials.kind === "none")
    return refuse("credentials", `${host.host} wants credentials for ${host.path}, and this runner has none`);
  const { token, origin } = credentials;
  const api = apis[host.kind];
  try {
    return await open(host, wish, { api, access: { apiUrl: host.apiUrl, token, headers: api.headers, fetch } });
  } catch (error) {
    if (!(error instanceof Refused)) return refuse("host", `${host.host} cannot be reached: ${reasonOf(error)}`);
    const { status } = error.answer;
    if (status === 401 && store.refused(url, credentials)) return { kind: "stale", origin };
    if (status === 401 || status === 403)
      return refuse("credentials", `${host.host} does not take ${origin} for this: ${complaintOf(error.answer)}`);
    return refuse("host", `${host.host} refuses the request: ${complaintOf(error.answer)}`);
  }
}

async function open(
  { path }: HostedRepository,
  wish: RequestWish,
  { api, access }: { readonly api: RequestApi; readonly access: ApiAccess },
): Promise<RequestResult> {
  const ask = async (call: ApiCall) => accepted(await callApi(access, call));
  const there = api.firstOf(await ask(api.findCall(path, wish.branch)));
  if (there !== undefined) return { kind: "open", ...there };
  const base = wish.base || textOf(await ask(api.repositoryCall(path)), "default_branch");
  return { kind: "open", ...api.opened(await ask(api.openCall(path, { ...wish, base }))) };
}

class Refused extends Error {
  readonly answer: ApiAnswer;

  constructor(answer: ApiAnswer) {
    super(complaintOf(answer));
    this.answer = answer;
  }
}

function accepted(answer: ApiAnswer): unknown {
  if (answer.status >= 200 && answer.status < 300) return answer.body;
  throw new Refused(answer);
}

function settle(tried: Try, { host }: HostedRepository): RequestResult {
  return tried.kind === "stale" ? refuse("credentials", `${host} does not take ${tried.origin}`) : tried;
}

function refuse(why: "credentials" | "host", reason: string): RequestResult {
  return { kind: "refused", why, reason };
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
