import { type GitContext, type GitOutput, gitFlags, runAsGit } from "./git.ts";

/**
 * Makes the files of a workspace that another job had exactly those of HEAD, behind the walls of the job that gets it. The
 * repository's directory must be new, without an index. Files that hold the right bytes already are kept.
 */
export function resetFiles(git: GitContext): Promise<GitOutput> {
  return runAsGit(git, { argv: ["sh", "-euc", script, "sh", ...gitFlags], maxOutputBytes: 1 << 20 });
}

/**
 * Repositories inside go first: their configuration can name programs. Then what git would take for equal and is not:
 * files with two names, or unusual modes, and by way of attributes other line ends. What is where a submodule belongs, git
 * does not look at.
 */
const script = `
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
`;
