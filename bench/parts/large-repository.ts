import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { isolatedGit, runGit } from "../../e2e/git/run-git.ts";

/** A bare repository as old projects have them. */
export interface LargeRepository {
  /** Folder that it lies in, as `acme/large.git`. */
  readonly folder: string;
  /** Adds a commit that changes one file. */
  commit(): Promise<void>;
}

/** Makes a repository of so many commits and files, the same each time. */
export async function makeLargeRepository(
  folder: string,
  size: { readonly commits: number; readonly files: number },
): Promise<LargeRepository> {
  const path = join(folder, "acme/large.git");
  await mkdir(path, { recursive: true });
  await runGit(path, ["init", "--quiet", "--bare", "--initial-branch=main"]);
  const plan = new History(size.files);
  const git = spawn("git", ["fast-import", "--quiet"], {
    cwd: path,
    env: isolatedGit,
    stdio: ["pipe", "ignore", "inherit"],
  });
  const ended = once(git, "close");
  for (let number = 0; number < size.commits; number += 1) {
    if (!git.stdin.write(plan.next())) await once(git.stdin, "drain");
  }
  git.stdin.end();
  const [exitCode] = await ended;
  if (exitCode !== 0) throw new Error(`git fast-import exited with ${exitCode}`);
  return {
    folder,
    async commit() {
      await runGit(path, ["fast-import", "--quiet"], plan.next("from refs/heads/main^0\n"));
    },
  };
}

/** Commits in the language of `git fast-import`: the first makes all files, each other changes some lines of one. */
class History {
  readonly #files: string[][];
  #seed = 1;
  #number = 0;

  constructor(files: number) {
    this.#files = Array.from({ length: files }, () =>
      Array.from({ length: 60 + this.#below(120) }, () => this.#line()),
    );
  }

  next(from = ""): string {
    const isFirst = this.#number === 0;
    const changed = isFirst ? [...this.#files.keys()] : [this.#change()];
    this.#number += 1;
    const time = 1_600_000_000 + 600 * this.#number;
    const message = data(`Change ${this.#number}\n`);
    const head = `commit refs/heads/main\ncommitter Ana <ana@example.com> ${time} +0000\n${message}${from}`;
    return `${head}${changed.map((file) => this.#blob(file)).join("")}\n`;
  }

  #change(): number {
    const file = this.#below(this.#files.length);
    const lines = this.#files[file] ?? [];
    for (let times = 0; times < 5; times += 1) lines[this.#below(lines.length)] = this.#line();
    return file;
  }

  #blob(file: number): string {
    const text = (this.#files[file] ?? []).join("\n");
    return `M 100644 inline src/part-${file % 30}/module-${file % 450}/file-${file}.ts\n${data(text)}`;
  }

  #line(): string {
    return `  const ${this.#word()} = ${this.#word()}(${this.#word()}, ${this.#below(1000)});`;
  }

  #word(): string {
    return this.#below(1 << 20).toString(36);
  }

  #below(limit: number): number {
    this.#seed = (Math.imul(this.#seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    // The low bits of such a sequence repeat.
    return (this.#seed >> 8) % limit;
  }
}

function data(text: string): string {
  return `data ${Buffer.byteLength(text)}\n${text}\n`;
}
