/** Where a job works, parsed once from its repo_ref. */
export type RepoRef =
  /** An empty directory. */
  | { readonly kind: "scratch"; readonly name: string }
  | Repository
  | { readonly kind: "refused"; readonly reason: string };

/** A repository and what to check out of it. */
export interface Repository {
  readonly kind: "repository";
  /** Canonical: scheme, host and path in one spelling, without ".git" and without credentials. */
  readonly url: string;
  /** Branch, tag or commit; empty for the default branch. */
  readonly ref: string;
}

/** What repo_refs may name on this runner. */
export interface RepoRefRules {
  /** Host of "owner/name". */
  readonly defaultHost: string;
  /** Take "http://" too, for hosts on loopback and with any port. */
  readonly allowInsecure: boolean;
}

/** Parses a repo_ref; anything that is not plainly one of its three forms is refused. */
export function parseRepoRef(text: string, rules: RepoRefRules): RepoRef {
  if (!/^[!-~]{1,512}$/.test(text)) return refused("is not 1 to 512 printable ASCII characters without spaces");
  if (text.includes("://")) return parseUrl(text, rules);
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text) && !text.includes("..")) return { kind: "scratch", name: text };
  if (!text.includes("/")) return refused("is neither a URL, nor owner/name, nor a bare name");
  const { path, ref } = splitRef(text);
  if (path.split("/").length !== 2) return refused("is neither a URL, nor owner/name, nor a bare name");
  return checkRepository(`https://${rules.defaultHost}`, path, ref);
}

function parseUrl(text: string, rules: RepoRefRules): RepoRef {
  const [, scheme = "", authority = "", rest = ""] = /^([a-z0-9+.-]*):\/\/([^/]*)\/?(.*)$/i.exec(text) ?? [];
  if (authority.includes("@")) return refused("holds a user name or password");
  const origin = checkOrigin(scheme.toLowerCase(), authority.toLowerCase(), rules);
  if (origin.kind === "refused") return origin;
  const { path, ref } = splitRef(rest);
  return checkRepository(origin.origin, path, ref);
}

function checkOrigin(scheme: string, authority: string, { allowInsecure }: RepoRefRules) {
  if (allowInsecure && scheme === "http" && /^(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?$/.test(authority)) {
    return { kind: "origin" as const, origin: `http://${authority}` };
  }
  if (scheme !== "https") return refused(`has the scheme "${scheme}", only https is taken`);
  const host = authority.replace(/:443$/, "");
  if (!isPublicHostName(host)) return refused(`has the host "${host}", which is not a public host name`);
  return { kind: "origin" as const, origin: `https://${host}` };
}

/** A name of at least two labels, the last of which is no number in any spelling: so never an address. */
function isPublicHostName(host: string): boolean {
  const labels = host.split(".");
  const last = labels.at(-1) ?? "";
  if (host.length > 253 || labels.length < 2) return false;
  if (!labels.every((label) => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(label))) return false;
  return /^[a-z]/.test(last) && last !== "localhost" && host !== "metadata.google.internal";
}

/** The first "@" ends the path: no part of a path may hold one. */
function splitRef(text: string): { path: string; ref: string | undefined } {
  const at = text.indexOf("@");
  return at < 0 ? { path: text, ref: undefined } : { path: text.slice(0, at), ref: text.slice(at + 1) };
}

function checkRepository(origin: string, path: string, ref: string | undefined): RepoRef {
  const parts = path
    .replace(/\/$/, "")
    .replace(/\.git$/, "")
    .split("/");
  if (parts.length < 2 || parts.length > 8 || !parts.every(isPathPart)) return refused(`has the path "${path}"`);
  if (ref !== undefined && !isRef(ref)) return refused(`has the ref "${ref}", which git does not allow`);
  return { kind: "repository", url: `${origin}/${parts.join("/")}`, ref: ref ?? "" };
}

function isPathPart(part: string): boolean {
  return /^[A-Za-z0-9_.][A-Za-z0-9_.-]{0,99}$/.test(part) && !part.includes("..") && !/\.$|\.git$/i.test(part);
}

/** What git check-ref-format --branch takes, in ASCII, and a little less. */
function isRef(ref: string): boolean {
  if (!/^[A-Za-z0-9_.#+=@/-]{1,255}$/.test(ref) || ref === "@" || ref.includes("..") || ref.includes("@{"))
    return false;
  return ref.split("/").every((part) => part !== "" && !/^[.-]|\.$|\.lock$/i.test(part));
}

function refused(problem: string): Extract<RepoRef, { kind: "refused" }> {
  return { kind: "refused", reason: `repo_ref ${problem}` };
}
