/** Prints the secrets in a JSON file in the forms that programs give them, a byte at a time: stdout and stderr in turns. */
import { readFileSync, writeSync } from "node:fs";

const [path = ""] = process.argv.slice(2);
const secrets: readonly string[] = JSON.parse(readFileSync(path, "utf8"));

for (const [index, line] of secrets.flatMap(formsOf).entries()) {
  for (const byte of line) writeSync(1 + (index % 2), Buffer.of(byte));
  writeSync(1 + (index % 2), "\n");
}

function formsOf(secret: string): readonly Uint8Array[] {
  const bytes = Buffer.from(secret);
  const places = ["", ":", "::"].map((before) => Buffer.from(before + secret));
  return [
    bytes,
    Buffer.from(secret, "utf16le"),
    ...[
      ...places.map((place) => place.toString("base64")),
      ...places.map((place) => place.toString("base64url")),
      bytes.toString("hex"),
      bytes.toString("hex").toUpperCase(),
      encodeURIComponent(secret),
      new URLSearchParams({ secret }).toString(),
      JSON.stringify({ secret }),
      `'${secret.replaceAll("'", `'\\''`)}'`,
      [...secret].map((letter) => `\u001b[1m${letter}\u001b[0m`).join(""),
    ].map((text) => Buffer.from(text)),
  ];
}
