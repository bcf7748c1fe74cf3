import { createPrivateKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { SignJWT } from "jose";
import type { Access, Credentials } from "./credentials.ts";
import type { GitHubAppSettings } from "./git-hosts.ts";

/** What a GitHub App's tokens are minted with. */
export interface GitHubAppParts {
  readonly apiUrl: string;
  readonly app: GitHubAppSettings;
  readonly fetch: typeof fetch;
  readonly now: () => number;
}

interface MintedToken {
  readonly token: string;
  readonly endMs: number;
}

/** Mints installation tokens: each for one repository, with no more than is needed, and kept until shortly before its end. */
export class GitHubApp {
  readonly #parts: GitHubAppParts;
  readonly #minted = new Map<string, MintedToken>();

  constructor(parts: GitHubAppParts) {
    this.#parts = parts;
  }

  /** A token for the repository at this path, or why there is none. */
  async tokenFor(path: string, access: Access): Promise<Credentials> {
    const key = `${access} ${path}`;
    const kept = this.#minted.get(key);
    const minted =
      kept !== undefined && kept.endMs - this.#parts.now() > marginMs ? kept : await this.#tryMint(path, access);
    if ("problem" in minted) return { kind: "failed", problem: `${path}: ${minted.problem}` };
    this.#minted.set(key, minted);
    return { kind: "given", username: "x-access-token", token: minted.token, origin: "the GitHub App" };
  }

  /** Forgets a token that the host does not take any more; false when it was not one of these. */
  forget(token: string): boolean {
    const found = [...this.#minted].find(([, minted]) => minted.token === token);
    return found !== undefined && this.#minted.delete(found[0]);
  }

  async #tryMint(path: string, access: Access): Promise<MintedToken | { readonly problem: string }> {
    try {
      return await this.#mint(path, access);
    } catch (error) {
      // The host does not answer, or the key cannot be read: the job's end says so.
      if (!(error instanceof Error)) throw error;
      const cause = error.cause instanceof Error ? error.cause.message : error.message;
      return { problem: `the GitHub App's token cannot be had: ${cause}` };
    }
  }

  async #mint(path: string, access: Access): Promise<MintedToken | { readonly problem: string }> {
    const authorization = `Bearer ${await this.#signJwt()}`;
    const found = await this.#call("GET", `/repos/${path}/installation`, { authorization });
    if (found.status === 404) return { problem: "the GitHub App is not installed on this repository" };
    const installation = numberField(found.body, "id");
    if (installation === undefined) return { problem: refusal("the installation of the GitHub App", found) };
    const repositories = [path.slice(path.indexOf("/") + 1)];
    const minted = await this.#call("POST", `/app/installations/${installation}/access_tokens`, {
      authorization,
      body: { repositories, permissions: permissions[access] },
    });
    const token = textField(minted.body, "token");
    const endMs = Date.parse(textField(minted.body, "expires_at") ?? "");
    if (token === undefined || Number.isNaN(endMs)) return { problem: refusal("a token of the GitHub App", minted) };
    return { token, endMs };
  }

  async #signJwt(): Promise<string> {
    const { app, now } = this.#parts;
    const key = createPrivateKey(await readFile(app.privateKeyFile));
    const seconds = Math.floor(now() / 1000);
    // A minute back: the host's clock may be behind.
    const jwt = new SignJWT().setProtectedHeader({ alg: "RS256" }).setIssuer(app.id);
    return jwt
      .setIssuedAt(seconds - 60)
      .setExpirationTime(seconds + 540)
      .sign(key);
  }

  async #call(method: string, path: string, { authorization, body }: { authorization: string; body?: object }) {
    const { apiUrl, fetch } = this.#parts;
    const response = await fetch(`${apiUrl}${path}`, {
      method,
      headers: {
        authorization,
        accept: "application/vnd.github+json",
        "user-agent": "blazecraft-runner",
        "x-github-api-version": "2022-11-28",
        ...(body && { "content-type": "application/json" }),
      },
      ...(body && { body: JSON.stringify(body) }),
      redirect: "error",
      signal: AbortSignal.timeout(callMs),
    });
    const text = await response.text();
    return { status: response.status, body: parseJson(text) };
  }
}

/** A token that ends sooner is not used again. */
const marginMs = 300_000;
const callMs = 20_000;
const permissions = {
  read: { contents: "read", metadata: "read" },
  write: { contents: "write", metadata: "read", pull_requests: "write" },
} as const;

function refusal(what: string, { status, body }: { readonly status: number; readonly body: unknown }): string {
  const message = textField(body, "message") ?? "no reason given";
  return `${what} was refused with status ${status}: ${message.slice(0, 200)}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A proxy on the way may answer with a page; the status tells what matters.
    return undefined;
  }
}

function textField(body: unknown, name: string): string | undefined {
  const value = fieldOf(body, name);
  return typeof value === "string" ? value : undefined;
}

function numberField(body: unknown, name: string): number | undefined {
  const value = fieldOf(body, name);
  return typeof value === "number" ? value : undefined;
}

function fieldOf(body: unknown, name: string): unknown {
  if (typeof body !== "object" || body === null) return undefined;
  return Object.entries(body).find(([key]) => key === name)?.[1];
}
