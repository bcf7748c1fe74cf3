import { type GitContext, gitFlags, runAsGit } from "./git.ts";

/** The commit whose files are there now, or why they are not. */
export type LaidFiles =
  | { readonly kind: "done"; readonly commit: string; readonly subject: string }
  /** What git said. */
  | { readonly kind: "failed"; readonly problem: string };

/** Makes the files of HEAD in a workspace that has none yet. */
export function fillFiles(git: GitContext): Promise<LaidFiles> {
  return layFiles(git, fillScript);
}

/**
 * Makes the files of a workspace that another job had exactly those of HEAD, behind the walls of the job that gets it. The
 * repository's directory must be new, without an index. Files that hold the right bytes already are kept.
 */
export function resetFiles(git: GitContext): Promise<LaidFiles> {
  return layFiles(git, resetScript);
}

async function layFiles(git: GitContext, script: string): Promise<LaidFiles> {
  const laid = await runAsGit(git, { argv: ["sh", "-euc", script, "sh", ...gitFlags], maxOutputBytes: 1 << 20 });
  if (laid.kind === "failed") return laid;
  const [commit = "", subject = ""] = laid.output.toString().split("\n");
  return { kind: "done", commit, subject };
}

const fillScript = `
export GIT_DIR=.git GIT_WORK_TREE=.
git "$@" read-tree --reset -u HEAD
git "$@" log -1 --format=%H%n%s
`;

/**
 * Repositories inside go first: their configuration can name programs. Then what git would take for equal and is not:
 * files with two names, or unusual modes, and by way of attributes other line ends. What is where a submodule belongs, git
 * does not look at.
 */
const resetScript = `
export GIT_DIR=.git GIT_WORK_TREE=.
find . -mindepth 1 -path ./.git -prune -o '(' -name .git -o -type f '(' -links +1 -o ! -perm 644 ! -perm 755 ')' ')' \\
  -prune -exec rm -rf -- '{}' +
git "$@" read-tree HEAD
git "$@" ls-files --stage -z | sed -zn 's/^160000 [^\\t]*\\t//p' | xargs -0r rm -rf --
echo '* -text -ident -filter -working-tree-encoding' > .git/info/attributes
git "$@" update-index -q --refresh > /dev/null || true
rm .git/info/attributes
git "$@" read-tree --reset -u HEAD
git "$@" clean -qffdx
git "$@" log -1 --format=%H%n%s
`;
