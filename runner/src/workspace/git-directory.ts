import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { giveNew } from "../sandbox/give.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { discard } from "./discard.ts";
import type { HistoryKind } from "./mirror-directory.ts";
import type { Target } from "./refs.ts";

/** What a workspace's repository is to be. */
export interface GitDirectoryPlan {
  /** Canonical URL of its origin. */
  readonly url: string;
  readonly target: Target;
  /** Object ids of the mirror's refs, by full names. */
  readonly ids: ReadonlyMap<string, string>;
  /** Absolute path of the mirror's repository, whose objects it reads. */
  readonly mirror: string;
  readonly history: HistoryKind;
  /** Whether Git LFS has a part in it. */
  readonly lfs: boolean;
  /** Whose the workspace is. */
  readonly sandbox: Pick<Sandbox, "user">;
}

/**
 * Gives a workspace, or a directory in it, a repository of its own, which has no objects: it reads the mirror's. Of what was
 * there before, no configuration, hooks, objects or refs are left. No process of a job may run in it.
 */
export function replaceGitDirectory(workspace: string, plan: GitDirectoryPlan, directory = workspace): void {
  // Made where no job could have put a link, and moved: nothing in the workspace is opened here.
  const draft = `${workspace}.git`;
  rmSync(draft, { recursive: true, force: true });
  writeGitDirectory(draft, plan);
  giveNew(plan.sandbox, draft);
  discard(`${directory}/.git`, workspace);
  renameSync(draft, `${directory}/.git`);
}

function writeGitDirectory(path: string, plan: GitDirectoryPlan): void {
  const { target, ids, mirror } = plan;
  for (const name of ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info"])
    mkdirSync(`${path}/${name}`, { recursive: true });
  const branch = target.kind === "branch" ? target.ref : undefined;
  const file = (name: string, text: string) => writeFileSync(`${path}/${name}`, text, { mode: 0o644 });
  file("HEAD", branch === undefined ? `${target.id}\n` : `ref: refs/heads/${branch}\n`);
  file("config", formatConfig(configOf(plan)));
  file("objects/info/alternates", `${mirror}/objects\n`);
  file("packed-refs", formatRefs(ids, branch === undefined ? undefined : { branch, id: target.id }));
  // Commits whose parents are not there.
  const shallow = `${mirror}/shallow`;
  if (existsSync(shallow)) file("shallow", readFileSync(shallow, "utf8"));
}

type Section = readonly [name: string, entries: Readonly<Record<string, string>>];

function configOf({ url, target, history, lfs }: GitDirectoryPlan): readonly Section[] {
  const isSha256 = target.id.length === 64;
  const isPlain = !isSha256 && !history.withoutOldContents;
  const core = { repositoryformatversion: isPlain ? "0" : "1", filemode: "true", bare: "false" };
  const extensions = {
    ...(isSha256 && { objectFormat: "sha256" }),
    ...(history.withoutOldContents && { partialClone: "origin" }),
  };
  const partial = history.withoutOldContents && { promisor: "true", partialclonefilter: "blob:none" };
  const fetch =
    history.depth > 0 && target.kind === "branch"
      ? `+refs/heads/${target.ref}:refs/remotes/origin/${target.ref}`
      : "+refs/heads/*:refs/remotes/origin/*";
  return [
    ["core", { ...core, logallrefupdates: "true" }],
    ...(isPlain ? [] : [["extensions", extensions] as const]),
    ['remote "origin"', { url: `${url}.git`, fetch, ...partial }],
    ...(target.kind === "branch"
      ? [[`branch "${quote(target.ref)}"`, { remote: "origin", merge: `refs/heads/${target.ref}` }] as const]
      : []),
    ...(lfs ? [['filter "lfs"', lfsFilter] as const] : []),
  ];
}

const lfsFilter = {
  clean: "git-lfs clean -- %f",
  smudge: "git-lfs smudge -- %f",
  process: "git-lfs filter-process",
  required: "true",
};

function formatConfig(sections: readonly Section[]): string {
  return sections
    .map(([name, entries]) => {
      const lines = Object.entries(entries).map(([key, value]) => `\t${key} = "${quote(value)}"\n`);
      return `[${name}]\n${lines.join("")}`;
    })
    .join("");
}

/** Names of branches may hold quotes and backslashes, but no control characters. */
function quote(text: string): string {
  return text.replace(/["\\]/g, "\\$&");
}

function formatRefs(ids: ReadonlyMap<string, string>, own: { branch: string; id: string } | undefined): string {
  const refs = [...ids].flatMap(([name, id]) => {
    const local = localName(name);
    return local === undefined ? [] : [[local, id] as const];
  });
  if (own !== undefined) refs.push([`refs/heads/${own.branch}`, own.id]);
  return refs.map(([name, id]) => `${id} ${name}\n`).join("");
}

/** What a ref of the mirror is called in a workspace. */
function localName(name: string): string | undefined {
  if (name.startsWith("refs/heads/")) return `refs/remotes/origin/${name.slice("refs/heads/".length)}`;
  return name.startsWith("refs/tags/") ? name : undefined;
}
