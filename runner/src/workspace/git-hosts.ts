/** The kinds of git host whose tokens and REST API are known. */
export type HostKind = "github" | "gitlab";

/** What the operator configured about the hosts of one kind. Its secrets stay in memory. */
export interface HostSettings {
  /** Hosts of this kind, each with its port where that is not 443. */
  readonly hosts: readonly string[];
  /** Base of the REST API; absent: derived from the repository's host. */
  readonly apiUrl?: string;
  readonly token?: string;
  /** Only of GitHub: the App whose installation tokens are used in place of a token. */
  readonly app?: GitHubAppSettings;
}

/** A GitHub App that is installed on the repositories. */
export interface GitHubAppSettings {
  readonly id: string;
  /** Absolute path of its private key, PEM. Read at each use, so that it can be replaced. */
  readonly privateKeyFile: string;
}

/** The hosts that the operator named, by kind. */
export type HostsSettings = Readonly<Record<HostKind, HostSettings>>;

/** A repository as its host's REST API knows it. */
export interface HostedRepository {
  readonly kind: HostKind;
  /** Host, with its port where that is not 443. */
  readonly host: string;
  /** Its path on the host, without a slash in front, such as "owner/name". */
  readonly path: string;
  /** Base of the REST API, without a slash at its end. */
  readonly apiUrl: string;
  readonly settings: HostSettings;
}

/** How a repository's host is spoken to, or undefined when the operator named no such host. */
export function findHost(url: string, hosts: HostsSettings): HostedRepository | undefined {
  const { protocol, host, pathname } = new URL(url);
  const kind = (["github", "gitlab"] as const).find((candidate) => hosts[candidate].hosts.includes(host));
  if (kind === undefined) return undefined;
  const settings = hosts[kind];
  const apiUrl = settings.apiUrl ?? defaultApiUrl(kind, protocol, host);
  return { kind, host, path: pathname.slice(1), apiUrl, settings };
}

function defaultApiUrl(kind: HostKind, protocol: string, host: string): string {
  if (kind === "gitlab") return `${protocol}//${host}/api/v4`;
  return host === "github.com" ? "https://api.github.com" : `${protocol}//${host}/api/v3`;
}
