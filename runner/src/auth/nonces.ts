import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { maxSkewMs } from "#protocol/signature.ts";

/** How long a nonce can be part of a valid signature. */
const lifetimeMs = 2 * maxSkewMs;

/** Remembers the nonces of signatures that were used, also over a restart. */
export class Nonces {
  readonly #path: string;
  readonly #expiryByNonce = new Map<string, number>();
  #pruneAt: number;

  constructor(path: string, nowMs: number) {
    this.#path = path;
    const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
    for (const line of lines) {
      const [expiry = "", nonce = ""] = line.split(" ");
      if (/^[0-9]+$/.test(expiry) && nonce.length === 32) this.#expiryByNonce.set(nonce, Number(expiry));
    }
    this.#pruneAt = nowMs + lifetimeMs;
    this.#prune(nowMs);
  }

  /** Notes a nonce before its request is acted on; false when it was used before. */
  use(nonce: string, nowMs: number): boolean {
    if (nowMs >= this.#pruneAt) this.#prune(nowMs);
    if (this.#expiryByNonce.has(nonce)) return false;
    const expiry = nowMs + lifetimeMs;
    this.#expiryByNonce.set(nonce, expiry);
    appendFileSync(this.#path, `${expiry} ${nonce}\n`, { mode: 0o600 });
    return true;
  }

  #prune(nowMs: number): void {
    for (const [nonce, expiry] of this.#expiryByNonce) if (expiry <= nowMs) this.#expiryByNonce.delete(nonce);
    const lines = Array.from(this.#expiryByNonce, ([nonce, expiry]) => `${expiry} ${nonce}\n`);
    writeFileSync(`${this.#path}.draft`, lines.join(""), { mode: 0o600 });
    renameSync(`${this.#path}.draft`, this.#path);
    this.#pruneAt = nowMs + lifetimeMs;
  }
}
