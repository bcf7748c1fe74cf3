import { findHost, type GitHubAppSettings, type HostedRepository, type HostsSettings } from "./git-hosts.ts";
import type { GitHubApp } from "./github-app.ts";

/** What is to be done with a repository: "write" pushes branches and opens pull requests. */
export type Access = "read" | "write";

/** What a repository's host takes as proof, for the moment of use. Not for events, logs, errors, files or a job. */
export type Credentials =
  /** For git, by its helper, as user name and password; for the REST API the token, as a bearer. */
  | { readonly kind: "given"; readonly username: string; readonly token: string; readonly origin: string }
  /** The operator gave none for this host: it is asked as a stranger. */
  | { readonly kind: "none" }
  /** There should be some and are not: one sentence for a person. */
  | { readonly kind: "failed"; readonly problem: string };

/** What credentials are made with. */
export interface CredentialParts {
  readonly hosts: HostsSettings;
  readonly fetch: typeof fetch;
  readonly now: () => number;
  /** Hears of every secret before it is handed out, so that no event shows it. */
  readonly onSecret: (secret: string) => void;
}

/** Where credentials for repositories come from; one a supervisor, so that what was minted is used again. */
export class CredentialStore {
  readonly #parts: CredentialParts;
  readonly #apps = new Map<string, GitHubApp>();

  constructor(parts: CredentialParts) {
    this.#parts = parts;
  }

  /**
   * Credentials for exactly the repository of this canonical URL (see parseRepoRef). A GitHub App's are minted for it
   * alone, with no more than this access, and used again until 5 minutes before they end.
   */
  async credentialsFor(url: string, access: Access): Promise<Credentials> {
    const repository = findHost(url, this.#parts.hosts);
    if (repository === undefined) return { kind: "none" };
    const credentials = await this.#find(repository, access);
    if (credentials.kind === "given") this.#parts.onSecret(credentials.token);
    return credentials;
  }

  /** Says that the host took these for wrong (401). True when others may be had by asking again, once. */
  refused(url: string, credentials: Credentials): boolean {
    const repository = findHost(url, this.#parts.hosts);
    if (repository === undefined || credentials.kind !== "given") return false;
    return this.#apps.get(repository.apiUrl)?.forget(credentials.token) ?? false;
  }

  async #find(repository: HostedRepository, access: Access): Promise<Credentials> {
    const { kind, settings } = repository;
    if (settings.app !== undefined) {
      const app = await this.#appOf(repository, settings.app);
      return app.tokenFor(repository.path, access);
    }
    if (settings.token === undefined) return { kind: "none" };
    const { token } = settings;
    return kind === "github"
      ? { kind: "given", username: "x-access-token", token, origin: "GITHUB_TOKEN" }
      : { kind: "given", username: "oauth2", token, origin: "GITLAB_TOKEN" };
  }

  async #appOf({ apiUrl }: HostedRepository, app: GitHubAppSettings): Promise<GitHubApp> {
    const { fetch, now } = this.#parts;
    // Loaded when it is needed: most runners have a token or nothing.
    const { GitHubApp } = await import("./github-app.ts");
    const known = this.#apps.get(apiUrl) ?? new GitHubApp({ apiUrl, app, fetch, now });
    this.#apps.set(apiUrl, known);
    return known;
  }
}
