import { expect, test } from "vitest";
import { unhex } from "#protocol/hex.ts";
import { sniffType } from "./sniff-type.ts";

const text = (content: string) => new TextEncoder().encode(content);
const tar = new Uint8Array(512);
tar.set(text("notes.txt"));
tar.set(text("ustar"), 257);

test.each([
  ["a log", text("2026-01-02 \u001b[31mfailed\u001b[0m\n"), "text/plain"],
  ["a text of any language", text("größer als ∞\n"), "text/plain"],
  ["a script", text("#!/bin/sh\necho hello\n"), "text/plain"],
  ["a picture of each kind", unhex("89504e470d0a1a0a0000"), "image/png"],
  ["a photo", unhex("ffd8ffe000104a46"), "image/jpeg"],
  ["an old animation", text("GIF87a\u0001"), "image/gif"],
  ["an animation", text("GIF89a\u0001"), "image/gif"],
  ["a picture of the web", unhex("52494646aabbccdd5745425056503820"), "image/webp"],
  ["a document", text("%PDF-1.7\n%\u00ff"), "application/pdf"],
])("%s is accepted", (_, bytes, type) => {
  expect(sniffType(bytes)).toEqual({ kind: "accepted", type });
});

test.each([
  ["a ZIP archive", unhex("504b030414000000")],
  ["a gzip archive", unhex("1f8b0800")],
  ["a tar archive", tar],
  ["a program for Linux", unhex("7f454c460201")],
  ["a program for Windows", unhex("4d5a90000300")],
  ["text in UTF-16 instead of UTF-8", unhex("fffe68006900")],
  ["data of an unknown type", unhex("52494646aabbccdd57415645")],
  ["data of an unknown type", unhex("c328")],
  ["data of an unknown type", text("nearly text\u0000")],
])("%s is refused", (type, bytes) => {
  expect(sniffType(bytes)).toEqual({ kind: "refused", type });
});
