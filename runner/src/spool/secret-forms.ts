import { minLineBytes } from "./needle-search.ts";

/** Shorter secrets are not looked for: they would be found everywhere. In bytes. */
export const minSecretBytes = 6;

/**
 * The bytes that a secret can look like in output: itself, each line of it, and both in the usual encodings. Long ones also
 * without their beginning, which may be too near to the end of a line to be known.
 */
export function secretForms(secret: string): readonly Uint8Array[] {
  const lines = secret.split(/[\r\n]+/);
  const forms = (lines.length > 1 ? [secret, ...lines] : lines)
    .filter((part) => Buffer.byteLength(part) >= minSecretBytes)
    .flatMap((part) => [Buffer.from(part, "utf16le"), ...textForms(part).map((text) => Buffer.from(text))])
    .flatMap((form) => (form.length < 3 * minLineBytes ? [form] : [form, form.subarray(minLineBytes)]));
  return [...new Map(forms.map((form) => [form.toString("latin1"), form])).values()];
}

function textForms(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString("hex");
  return [secret, hex, hex.toUpperCase(), ...base64Forms(bytes), ...urlForms(bytes), ...jsonForms(secret)].concat(
    shellForms(secret),
  );
}

/** What is the same whatever stands around the secret: it may begin at each of three places in a group of three bytes. */
function base64Forms(secret: Uint8Array): readonly string[] {
  return [0, 1, 2].flatMap((before) => {
    const end = before + secret.length;
    const encoded = Buffer.concat([Buffer.alloc(before), secret]).toString("base64");
    const whole = encoded.slice(Math.ceil((before * 4) / 3), Math.floor((end * 4) / 3));
    return [whole, whole.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

/** With upper and lower case digits, as JavaScript, Python, and forms do it. */
function urlForms(secret: Buffer): readonly string[] {
  const quoted = keptInUrls.map((kept) => percentEncode(secret, kept));
  const inForm = percentEncode(secret, /[A-Za-z0-9_.*-]/).replaceAll("%20", "+");
  return [...quoted, inForm].flatMap((text) => [text, text.replace(/%../g, (byte) => byte.toLowerCase())]);
}

/** What is left as it is in a component, strictly and as encodeURIComponent sees it, in a path, and in a whole URL. */
const keptInUrls = [/[A-Za-z0-9_.~-]/, /[A-Za-z0-9_.~!'()*-]/, /[A-Za-z0-9_.~/-]/, /[A-Za-z0-9_.~!'()*;/?:@&=+$,#-]/];

function percentEncode(bytes: Buffer, kept: RegExp): string {
  return Array.from(bytes, (byte) => {
    const character = String.fromCharCode(byte);
    return kept.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}

/** As most write it, with slashes escaped, in ASCII alone, and safe for HTML; and a string within a string. */
function jsonForms(secret: string): readonly string[] {
  const plain = JSON.stringify(secret).slice(1, -1);
  const safe = plain.replace(/[<>&\u2028\u2029]/g, unicodeEscape);
  const twice = JSON.stringify(plain).slice(1, -1);
  return [plain, plain.replaceAll("/", "\\/"), safe, twice].flatMap((text) => {
    const ascii = text.replace(/[^\0-\x7f]/g, unicodeEscape);
    return [text, ascii, ascii.replace(/\\u[0-9a-f]{4}/g, (unit) => `\\u${unit.slice(2).toUpperCase()}`)];
  });
}

function unicodeEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Within single quotes, within double quotes, without quotes, and within $''. */
function shellForms(secret: string): readonly string[] {
  const dollarQuoted = secret.replace(/[\\']/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\t", "\\t");
  return [
    secret.replaceAll("'", `'\\''`),
    secret.replaceAll("'", `'"'"'`),
    secret.replace(/[\\"$`]/g, "\\$&"),
    secret.replace(/[\\"$`!]/g, "\\$&"),
    secret.replace(/[^A-Za-z0-9_@%+=:,./\n\x80-\uffff-]/g, "\\$&"),
    secret.replace(/[^A-Za-z0-9_./\n\x80-\uffff-]/g, "\\$&"),
    dollarQuoted,
  ];
}
