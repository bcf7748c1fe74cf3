/** What a content is, by its bytes and never by its name. Pure. */
import { hex } from "#protocol/hex.ts";

/** The type of a content, and whether an agent may be given it. */
export type SniffedType =
  | { readonly kind: "accepted"; readonly type: string }
  /** `type` is in words, for a sentence. */
  | { readonly kind: "refused"; readonly type: string };

/** Text in UTF-8 and the images and documents that models read; all else is refused by name where it has one. */
export function sniffType(bytes: Uint8Array): SniffedType {
  const accepted = acceptedTypes.find(({ marks }) => hasMarks(bytes, marks));
  if (accepted !== undefined) return { kind: "accepted", type: accepted.type };
  const refused = refusedTypes.find(({ marks }) => hasMarks(bytes, marks));
  if (refused !== undefined) return { kind: "refused", type: refused.type };
  return isText(bytes)
    ? { kind: "accepted", type: "text/plain" }
    : { kind: "refused", type: "data of an unknown type" };
}

/** Bytes, in hexadecimal, that stand at these offsets. */
type Marks = Readonly<Record<number, string>>;
type KnownType = { readonly type: string; readonly marks: Marks };

const acceptedTypes: readonly KnownType[] = [
  { type: "image/png", marks: { 0: "89504e470d0a1a0a" } },
  { type: "image/jpeg", marks: { 0: "ffd8ff" } },
  { type: "image/gif", marks: { 0: "474946383761" } },
  { type: "image/gif", marks: { 0: "474946383961" } },
  { type: "image/webp", marks: { 0: "52494646", 8: "57454250" } },
  { type: "application/pdf", marks: { 0: "255044462d" } },
];

const refusedTypes: readonly KnownType[] = [
  { type: "a ZIP archive", marks: { 0: "504b0304" } },
  { type: "a ZIP archive", marks: { 0: "504b0506" } },
  { type: "a gzip archive", marks: { 0: "1f8b" } },
  { type: "a bzip2 archive", marks: { 0: "425a68" } },
  { type: "an xz archive", marks: { 0: "fd377a585a00" } },
  { type: "a Zstandard archive", marks: { 0: "28b52ffd" } },
  { type: "a 7z archive", marks: { 0: "377abcaf271c" } },
  { type: "a RAR archive", marks: { 0: "526172211a07" } },
  { type: "a tar archive", marks: { 257: "7573746172" } },
  { type: "a program for Linux", marks: { 0: "7f454c46" } },
  { type: "a program for Windows", marks: { 0: "4d5a90" } },
  { type: "a program for macOS", marks: { 0: "cffaedfe" } },
  { type: "a program for macOS", marks: { 0: "cafebabe" } },
  { type: "a WebAssembly module", marks: { 0: "0061736d" } },
  { type: "text in UTF-16 instead of UTF-8", marks: { 0: "fffe" } },
  { type: "text in UTF-16 instead of UTF-8", marks: { 0: "feff" } },
];

function hasMarks(bytes: Uint8Array, marks: Marks): boolean {
  return Object.entries(marks).every(([offset, mark]) => {
    const found = bytes.subarray(Number(offset), Number(offset) + mark.length / 2);
    return hex(found) === mark;
  });
}

function isText(bytes: Uint8Array): boolean {
  if (bytes.includes(0)) return false;
  try {
    new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
    return true;
  } catch {
    // The bytes are no UTF-8, which is the answer.
    return false;
  }
}
