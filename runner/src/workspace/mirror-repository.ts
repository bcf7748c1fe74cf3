import { readdirSync } from "node:fs";
import { type GitContext, runAsGit, runGit } from "./git.ts";
import { type HostResult, runHostGit } from "./host-git.ts";
import type { MirrorRequest } from "./mirror.ts";
import {
  branchName,
  findTarget,
  isCommitId,
  isProposal,
  isWholeCommitId,
  type Refs,
  readRefs,
  remoteHeadRef,
  type Target,
  tagName,
} from "./refs.ts";

/** What a mirror has of what was asked for. */
export interface Found {
  readonly refs: Refs;
  readonly target: Target;
}

/** A bare repository of a mirror, while its lock is held. */
export class MirrorRepository {
  readonly #request: MirrorRequest;
  readonly #git: GitContext;

  /** At this absolute path; it need not be there yet. */
  constructor(request: MirrorRequest, path: string) {
    this.#request = request;
    this.#git = { ...request.git, directory: path, writable: [path] };
  }

  /** Makes it in its directory, which is empty. */
  clone(): Promise<HostResult> {
    const { url, history } = this.#request;
    const depth = history.depth === 0 ? [] : [`--depth=${history.depth}`, "--single-branch", "--no-tags"];
    const filter = history.withoutOldContents ? ["--filter=blob:none"] : [];
    return this.#talk(["clone", "--bare", "--quiet", "--template=", ...depth, ...filter, "--", `${url}.git`, "."]);
  }

  /** Fetches what the host has now: all branches and tags, or of a history that is cut only what was asked for. */
  async fetch(): Promise<HostResult> {
    const { ref, history } = this.#request;
    const attempts = history.depth === 0 ? wholeRefspecs(ref) : await this.#cutRefspecs();
    const how = history.depth === 0 ? ["--prune"] : [`--depth=${history.depth}`];
    let last: HostResult = done;
    for (const refspecs of attempts) {
      last = await this.#fetch(refspecs, how);
      if (last.kind === "done" || last.why !== "no-ref") return last;
    }
    return last;
  }

  /** Finds what was asked for; it fetches what no branch or tag leads to. */
  async find(): Promise<Found | HostFailure> {
    const { ref } = this.#request;
    const refs = await this.#readRefs();
    if ("kind" in refs) return refs;
    const target = findTarget(ref, refs) ?? (await this.#findCommit(ref));
    if (target === undefined) return noSuchRef(this.#request);
    const brought = this.#request.history.withoutOldContents ? await this.#fetchContents(target.id) : done;
    return brought.kind === "failed" ? brought : { refs, target };
  }

  /** Whether objects are missing or damaged. Takes as long as reading all of it. */
  async isBroken(): Promise<boolean> {
    return (await runGit(this.#git, ["--git-dir=.", "fsck", "--no-dangling", "--no-progress"])).kind === "failed";
  }

  /** Removes what a git that was killed left; nobody else is at work here. */
  async clearLeftovers(): Promise<void> {
    const leftovers = ["(", "-name", "*.lock", "-o", "-name", "tmp_*", ")"];
    await runAsGit(this.#git, { argv: ["find", ".", "-type", "f", ...leftovers, "-delete"], maxOutputBytes: 0 });
  }

  /** Joins the packs of many fetches, without dropping any object. */
  async tidy(): Promise<void> {
    const packs = readdirSync(`${this.#git.directory}/objects/pack`).filter((name) => name.endsWith(".pack"));
    if (packs.length < manyPacks) return;
    await runGit(this.#git, ["--git-dir=.", "repack", "--geometric=2", "-d", "--quiet"]);
  }

  /** What to fetch of a history that is cut; each in place of the one before, when there is no such ref. */
  async #cutRefspecs(): Promise<readonly (readonly string[])[]> {
    const { ref } = this.#request;
    if (isWholeCommitId(ref)) return [[ref]];
    if (isProposal(ref)) return [[sameName(ref)]];
    if (ref !== "") return [[sameName(`refs/heads/${branchName(ref)}`)], [sameName(`refs/tags/${tagName(ref)}`)]];
    const head = `+HEAD:${remoteHeadRef}`;
    const { head: branch } = await readRefs(this.#git);
    return branch === undefined ? [[head]] : [[head, sameName(`refs/heads/${branch}`)], [head]];
  }

  /** The refs, with the default branch that the host has now. */
  async #readRefs(): Promise<Refs | HostFailure> {
    const refs = await readRefs(this.#git);
    const id = refs.ids.get(remoteHeadRef);
    if (this.#request.ref !== "" || id === undefined || id === refs.ids.get(`refs/heads/${refs.head}`)) return refs;
    const listed = await this.#talk(["--git-dir=.", "ls-remote", "--quiet", "--symref", "origin", "HEAD"]);
    if (listed.kind === "failed") return listed;
    const branch = /^ref: (refs\/heads\/.+)\tHEAD$/m.exec(listed.output)?.[1];
    if (branch === undefined) return refs;
    await runGit(this.#git, ["--git-dir=.", "update-ref", branch, id]);
    await runGit(this.#git, ["--git-dir=.", "symbolic-ref", "HEAD", branch]);
    return readRefs(this.#git);
  }

  async #findCommit(ref: string): Promise<Target | undefined> {
    if (!isCommitId(ref)) return undefined;
    const here = await this.#readCommit(ref);
    if (here !== undefined || !isWholeCommitId(ref)) return here;
    // Hosts hand out what no branch leads to when asked for by its whole name.
    await this.#fetch([ref], []);
    return this.#readCommit(ref);
  }

  async #readCommit(ref: string): Promise<Target | undefined> {
    const read = await runGit(this.#git, ["--git-dir=.", "rev-parse", "--verify", "--quiet", `${ref}^{commit}`]);
    return read.kind === "done" ? { ref: "", kind: "other", id: read.output } : undefined;
  }

  /** Brings the contents of one commit's files. */
  async #fetchContents(id: string): Promise<HostResult> {
    const args = ["--git-dir=.", "rev-list", "--objects", "--missing=print", "--no-object-names", `${id}^{tree}`];
    const listed = await runGit(this.#git, args, maxListBytes);
    if (listed.kind === "failed")
      return { kind: "failed", why: "other", reason: listed.problem, detail: listed.problem };
    const missing = listed.output.split("\n").flatMap((line) => (line.startsWith("?") ? [line.slice(1)] : []));
    if (missing.length === 0) return done;
    const settings = ["fetch.negotiationAlgorithm=noop"];
    return this.#fetch(["--stdin"], ["--no-filter"], { settings, input: `${missing.join("\n")}\n` });
  }

  #fetch(
    refspecs: readonly string[],
    how: readonly string[],
    options: { readonly settings?: readonly string[]; readonly input?: string } = {},
  ): Promise<HostResult> {
    const fixed = ["--git-dir=.", "fetch", "--quiet", "--no-tags", "--force", "--no-write-fetch-head"];
    const [first = ""] = refspecs;
    const rest = first === "--stdin" ? ["--stdin", "origin"] : ["origin", ...refspecs];
    return this.#talk([...fixed, ...how, ...rest], options);
  }

  #talk(args: readonly string[], options: { readonly settings?: readonly string[]; readonly input?: string } = {}) {
    const { url, credentials, maxBytes } = this.#request;
    const host = { url, access: "read" as const, git: this.#git, credentials };
    return runHostGit(host, args, { ...options, maxFileBytes: maxBytes });
  }
}

/** Why something could not be had from a host. */
export type HostFailure = Extract<HostResult, { kind: "failed" }>;

/** What to fetch of a whole history; the second in place of the first, when the host's HEAD is at a branch without commits. */
function wholeRefspecs(ref: string): readonly (readonly string[])[] {
  const proposal = isProposal(ref) ? [sameName(ref)] : [];
  const always = [sameName("refs/heads/*"), sameName("refs/tags/*"), ...proposal];
  return [[...always, `+HEAD:${remoteHeadRef}`], always];
}

function noSuchRef({ ref }: MirrorRequest): HostFailure {
  const reason = ref === "" ? "its default branch has no commits" : `it has no branch, tag or commit "${ref}"`;
  return { kind: "failed", why: "no-ref", reason, detail: "" };
}

function sameName(ref: string): string {
  return `+${ref}:${ref}`;
}

const done: HostResult = { kind: "done", output: "" };
const manyPacks = 30;
const maxListBytes = 64 << 20;
