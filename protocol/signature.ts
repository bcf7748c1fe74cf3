/**
 * The signature on every call from gateway to runner: HMAC-SHA-256 over a canonical form of the request, in one header.
 * The layout follows Stripe's webhook signatures; the nonce and the digest of the body are added, so that a signature
 * is good for one request, once, for 60 seconds.
 */
import { hex, unhex } from "./hex.ts";

/** Header that carries the signature. */
export const signatureHeader = "blazecraft-signature";

/** How far the signer's clock may be off, and thereby how long a nonce must be remembered on either side. */
export const maxSkewMs = 60_000;

/** Shortest secret that is accepted. */
export const minSecretBytes = 32;

/** The secret in .env.example, refused everywhere. */
export const exampleSecret = "replace-me-with-the-output-of-openssl-rand-hex-32";

/** What WebCrypto makes of a secret; Node and workerd name its type differently. */
type HmacKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** One shared secret, ready to sign and verify with. */
export interface SigningKey {
  /** Public name: says which secret made a signature, and nothing about the secret. 8 hexadecimal digits. */
  readonly id: string;
  readonly hmac: HmacKey;
}

/** The parts of a request that a signature covers. */
export interface SignedParts {
  readonly method: string;
  /** Path with query, as sent. */
  readonly path: string;
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** What a signature turned out to be worth. */
export type Verdict =
  | { readonly kind: "valid"; readonly nonce: string; readonly timeMs: number }
  | { readonly kind: "missing" | "malformed" | "unknown-key" | "wrong" }
  | { readonly kind: "skewed"; readonly skewMs: number };

/**
 * Keys from a comma-separated list of secrets: the first signs, all verify. Throws an error naming `variable` when the
 * list is empty or a secret is shorter than 32 bytes or the one from the example file.
 */
export async function parseSecrets(variable: string, list: string): Promise<readonly [SigningKey, ...SigningKey[]]> {
  const secrets = list.split(",").map((secret) => secret.trim());
  const [first, ...rest] = await Promise.all(secrets.map((secret) => signingKey(variable, secret)));
  if (first === undefined) throw new Error(`${variable} is empty`);
  return [first, ...rest];
}

/** The header value that signs a request now. */
export async function sign(key: SigningKey, parts: SignedParts, nowMs: number): Promise<string> {
  const nonce = hex(crypto.getRandomValues(new Uint8Array(16)));
  const text = await canonical(parts, key.id, nowMs, nonce);
  const mac = await crypto.subtle.sign("HMAC", key.hmac, text);
  return `v=1,kid=${key.id},t=${nowMs},n=${nonce},s=${hex(new Uint8Array(mac))}`;
}

/** Checks a header value. The caller must still refuse a nonce that it has seen within twice maxSkewMs. */
export async function verify(
  keys: readonly SigningKey[],
  parts: SignedParts,
  header: string | undefined,
  nowMs: number,
): Promise<Verdict> {
  if (header === undefined) return { kind: "missing" };
  const fields = /^v=1,kid=([0-9a-f]{8}),t=([0-9]{1,15}),n=([0-9a-f]{32}),s=([0-9a-f]{64})$/.exec(header);
  if (fields === null) return { kind: "malformed" };
  const [, keyId = "", time = "", nonce = "", mac = ""] = fields;
  const key = keys.find(({ id }) => id === keyId);
  if (key === undefined) return { kind: "unknown-key" };
  const timeMs = Number(time);
  const text = await canonical(parts, keyId, timeMs, nonce);
  // subtle.verify compares in constant time.
  const authentic = await crypto.subtle.verify("HMAC", key.hmac, unhex(mac), text);
  if (!authentic) return { kind: "wrong" };
  const skewMs = timeMs - nowMs;
  if (Math.abs(skewMs) > maxSkewMs) return { kind: "skewed", skewMs };
  return { kind: "valid", nonce, timeMs };
}

async function signingKey(variable: string, secret: string): Promise<SigningKey> {
  const bytes = new TextEncoder().encode(secret);
  if (secret === exampleSecret) throw new Error(`${variable} is the example's; make one with: openssl rand -hex 32`);
  if (bytes.length < minSecretBytes) {
    throw new Error(
      `${variable} is ${bytes.length} bytes, at least ${minSecretBytes} are needed: openssl rand -hex 32`,
    );
  }
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`blazecraft key id\n${secret}`));
  const hmac = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, [
    "sign",
    "verify",
  ]);
  return { id: hex(new Uint8Array(digest)).slice(0, 8), hmac };
}

async function canonical(parts: SignedParts, keyId: string, timeMs: number, nonce: string) {
  const body = hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(parts.body))));
  const lines = ["v1", keyId, timeMs, nonce, parts.method, parts.path, parts.contentType, body];
  return new TextEncoder().encode(lines.join("\n"));
}
