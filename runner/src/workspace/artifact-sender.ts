/**
 * The program that sends a job's artifacts out of its box: one that reads what the job may read, as the job's own user. For
 * each file it writes a line of JSON and then the content; whoever takes that believes none of it.
 */
import { isUtf8 } from "node:buffer";
import { closeSync, constants, type Dirent, fstatSync, openSync, readdirSync, readSync, writeSync } from "node:fs";
import { posix } from "node:path";

/** What to send, of the working directory. */
export interface ArtifactWish {
  /** As in JobSpec.artifacts. */
  readonly patterns: readonly string[];
  readonly maxFiles: number;
  readonly maxBytes: number;
}

/** A line that is sent; as many bytes as it says follow that of a file. */
export type SentLine =
  | { readonly path: string; readonly size: number }
  | { readonly skipped: string; readonly reason: string };

/** File descriptor that it writes to, on which commands behind walls are talked with. */
const output = 9;
/** Files that were left out and are told one by one. */
const maxTold = 100;
/** Directories within one another. */
const maxDepth = 64;

/** Sends one workspace. */
class Sender {
  readonly #wish: ArtifactWish;
  readonly #wanted: readonly Pattern[];
  readonly #matched = new Set<Pattern>();
  #files = 0;
  #bytes = 0;
  #skipped = 0;

  constructor(wish: ArtifactWish) {
    this.#wish = wish;
    this.#wanted = wish.patterns.map(parsePattern);
  }

  sendAll(): void {
    this.#walk("", 0);
    for (const pattern of this.#wanted) if (!this.#matched.has(pattern)) this.#skip(pattern.text, "No file matched.");
    if (this.#skipped > maxTold) writeLine({ skipped: "", reason: `${this.#skipped - maxTold} more were left out.` });
  }

  #walk(directory: string, depth: number): void {
    for (const entry of this.#list(directory)) {
      if (entry.name.equals(dotGit)) continue;
      const path = posix.join(directory, entry.name.toString());
      const isWanted = this.#matches(path);
      if (!isWanted && !(entry.isDirectory() && this.#wanted.some((pattern) => leadsTo(path, pattern)))) continue;
      const hindrance = hindranceOf(entry, depth);
      if (hindrance !== undefined) this.#skip(path, hindrance);
      else if (entry.isDirectory()) this.#walk(path, depth + 1);
      else this.#visit(path);
    }
  }

  #list(directory: string): readonly Entry[] {
    try {
      const entries = readdirSync(directory || ".", { withFileTypes: true, encoding: "buffer" });
      return entries.sort((one, other) => Buffer.compare(one.name, other.name));
    } catch (error) {
      this.#skip(directory, unreadable(error));
      return [];
    }
  }

  #matches(path: string): boolean {
    const those = this.#wanted.filter(({ regex }) => regex.test(path));
    for (const pattern of those) this.#matched.add(pattern);
    return those.length > 0;
  }

  #visit(path: string): void {
    const file = this.#files < this.#wish.maxFiles ? open(path) : `More than ${this.#wish.maxFiles} files matched.`;
    if (typeof file === "string") {
      this.#skip(path, file);
      return;
    }
    const left = this.#wish.maxBytes - this.#bytes;
    if (file.size > left) this.#skip(path, `It has ${file.size} bytes, and ${left} are left of MAX_ARTIFACT_BYTES.`);
    else this.#send(file);
    closeSync(file.fd);
  }

  #send(file: OpenFile): void {
    this.#files += 1;
    this.#bytes += file.size;
    writeLine({ path: file.path, size: file.size });
    sendContent(file);
  }

  #skip(path: string, reason: string): void {
    this.#skipped += 1;
    if (this.#skipped <= maxTold) writeLine({ skipped: path, reason });
  }
}

type Entry = Dirent<Buffer>;

const dotGit = Buffer.from(".git");

/** Why something is left out, as far as its directory tells. */
function hindranceOf(entry: Entry, depth: number): string | undefined {
  if (!isUtf8(entry.name)) return "Its name is not UTF-8.";
  if (entry.isSymbolicLink()) return "It is a symbolic link.";
  if (entry.isDirectory()) return depth < maxDepth ? undefined : `It lies more than ${maxDepth} directories deep.`;
  return entry.isFile() ? undefined : "It is no file but a device, pipe or socket.";
}

interface OpenFile {
  readonly path: string;
  readonly fd: number;
  readonly size: number;
}

/** Opens a file, or answers why it is left out. */
function open(path: string): OpenFile | string {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return unreadable(error);
  }
  const found = fstatSync(fd);
  if (found.isFile() && found.nlink === 1) return { path, fd, size: found.size };
  closeSync(fd);
  return found.isFile() ? "It has several names (hard links)." : "It is no file any more.";
}

const buffer = Buffer.allocUnsafeSlow(256 * 1024);

/** Sends as much as was announced: what a file has grown by since then is not part of it. */
function sendContent({ path, fd, size }: OpenFile): void {
  for (let left = size; left > 0; ) {
    const length = readSync(fd, buffer, 0, Math.min(left, buffer.length), null);
    if (length === 0) throw new Error(`${path} became shorter while it was read`);
    writeAll(buffer.subarray(0, length));
    left -= length;
  }
}

function writeLine(line: SentLine): void {
  writeAll(Buffer.from(`${JSON.stringify(line)}\n`));
}

function writeAll(data: Uint8Array): void {
  for (let written = 0; written < data.length; ) written += writeSync(output, data, written);
}

function unreadable(error: unknown): string {
  return `It cannot be read: ${error instanceof Error && "code" in error ? error.code : error}.`;
}

interface Pattern {
  readonly text: string;
  readonly regex: RegExp;
  /** The directories, or the whole path, before the first name with a star. */
  readonly prefix: string;
}

function parsePattern(text: string): Pattern {
  const names = posix.normalize(text).replace(/\/$/, "").split("/");
  const wildAt = names.findIndex((name) => name.includes("*") || name === ".");
  const prefix = names.slice(0, wildAt === -1 ? names.length : wildAt).join("/");
  return { text, regex: new RegExp(`^${names.map(toRegex).join("")}(?:/.*)?$`, "su"), prefix };
}

function toRegex(name: string, index: number, names: readonly string[]): string {
  const isLast = index === names.length - 1;
  if (name === "**" || name === ".") return isLast ? ".+" : "(?:[^/]+/)*";
  const source = name.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\*+/g, "[^/]*");
  return isLast ? source : `${source}/`;
}

/** Whether something in a directory can match. */
function leadsTo(directory: string, { prefix }: Pattern): boolean {
  return prefix === "" || `${prefix}/`.startsWith(`${directory}/`) || `${directory}/`.startsWith(`${prefix}/`);
}

new Sender(JSON.parse(process.argv[2] ?? "") as ArtifactWish).sendAll();
