import { expect, test } from "vitest";
import { readSent } from "./sent-files.ts";

const limits = { maxFiles: 2, maxBytes: 10 };

test.each([1, 3, 1000])("files come whole, however what brings them is cut (%i bytes)", async (pieceBytes) => {
  const output = '{"path":"a","size":3}\nxyz{"skipped":"b","reason":"No."}\n{"path":"ü/c","size":0}\n';
  expect(await read(output, pieceBytes)).toEqual(["a: xyz", "b is skipped: No.", "ü/c: "]);
});

test.each([
  ["a line that is none", "hello\n", /JSON/],
  ["a line that says nothing", '{"path":"a"}\n', /a line that is none/],
  ["a size below nothing", '{"path":"a","size":-1}\n', /a line that is none/],
  ["a path that leads out", '{"path":"../a","size":0}\n', /a path that it may not/],
  ["a path that leads out on the way", '{"path":"a/../../b","size":0}\n', /a path that it may not/],
  ["an absolute path", '{"path":"/etc/passwd","size":0}\n', /a path that it may not/],
  ["half of a character", '{"path":"\\ud800","size":0}\n', /a path that it may not/],
  ["the same path again", '{"path":"a","size":0}\n{"path":"a","size":0}\n', /a path that it may not/],
  ["too many files", ["a", "b", "c"].map((path) => `{"path":"${path}","size":0}\n`).join(""), /more than it may/],
  ["too many bytes", '{"path":"a","size":11}\n', /more than it may/],
  ["too many skips", '{"skipped":"a","reason":"No."}\n'.repeat(102), /too many/],
  ["a line without end", "x".repeat(70_000), /too long/],
  ["half of a file", '{"path":"a","size":3}\nxy', /within a file/],
  ["half of a line", '{"path":"a"', /within a line/],
])("%s ends it", async (_, output, problem) => {
  await expect(read(output, 1000)).rejects.toThrow(problem);
});

async function read(output: string, pieceBytes: number): Promise<string[]> {
  const found: string[] = [];
  for await (const sent of readSent(pieces(Buffer.from(output), pieceBytes), limits)) {
    if (sent.kind === "skipped") found.push(`${sent.path} is skipped: ${sent.reason}`);
    else found.push(`${sent.path}: ${Buffer.concat(await Array.fromAsync(sent.content)).toString()}`);
  }
  return found;
}

async function* pieces(bytes: Buffer, length: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}
