import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { maxSkewMs } from "#protocol/signature.ts";

/** How long a nonce can be part of a valid signature. */
const lifetimeMs = 2 * maxSkewMs;
/** Between tries to write while that fails. */
const retryMs = 1000;

/**
 * Remembers the nonces of signatures that were used, also over a restart. While they cannot be written, such as on a full
 * disk, they are kept in memory alone: the calls that make room must still be served.
 */
export class Nonces {
  readonly #path: string;
  readonly #onUnwritable: (error: unknown) => void;
  readonly #expiryByNonce = new Map<string, number>();
  #pruneAt: number;
  #isUnwritable = false;

  /** `onUnwritable` is called when writing begins to fail. */
  constructor(path: string, nowMs: number, onUnwritable: (error: unknown) => void) {
    this.#path = path;
    this.#onUnwritable = onUnwritable;
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
    // One that was cut would spoil the next line: while writing fails, only the whole file is tried again.
    if (!this.#isUnwritable)
      this.#write(nowMs, () => appendFileSync(this.#path, `${expiry} ${nonce}\n`, { mode: 0o600 }));
    return true;
  }

  #prune(nowMs: number): void {
    for (const [nonce, expiry] of this.#expiryByNonce) if (expiry <= nowMs) this.#expiryByNonce.delete(nonce);
    const lines = Array.from(this.#expiryByNonce, ([nonce, expiry]) => `${expiry} ${nonce}\n`);
    this.#pruneAt = nowMs + lifetimeMs;
    this.#write(nowMs, () => {
      writeFileSync(`${this.#path}.draft`, lines.join(""), { mode: 0o600 });
      renameSync(`${this.#path}.draft`, this.#path);
    });
  }

  #write(nowMs: number, write: () => void): void {
    try {
      write();
      this.#isUnwritable = false;
    } catch (error) {
      if (!this.#isUnwritable) this.#onUnwritable(error);
      this.#isUnwritable = true;
      this.#pruneAt = nowMs + retryMs;
    }
  }
}
