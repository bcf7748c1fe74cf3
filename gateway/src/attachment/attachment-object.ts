/** The Durable Object that holds one content for agents, named by its SHA-256. */
import { DurableObject } from "cloudflare:workers";
import { hex } from "#protocol/hex.ts";
import type { Answer } from "../answer.ts";
import type { Env } from "../env.ts";
import { otherDigest, otherSize, partOutOfOrder, partTooLong, typeRefused } from "./attachment-refusals.ts";
import { AttachmentStore } from "./attachment-store.ts";
import { forgetUnused, keepMs } from "./forget-unused.ts";
import { sniffType } from "./sniff-type.ts";

/** A part of a content. */
export interface AttachmentPart {
  readonly sha256: string;
  /** Of the whole content. */
  readonly size: number;
  readonly offset: number;
  /** Empty: only ask how much is here. */
  readonly data: Uint8Array;
}

/** What can be read at an offset. */
export interface AttachmentPiece {
  readonly size: number;
  readonly data: Uint8Array<ArrayBuffer>;
}

const pieceBytes = 512 * 1024;

export class AttachmentObject extends DurableObject<Env> {
  readonly #store: AttachmentStore;
  #checking: Promise<Answer<number>> | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new AttachmentStore(ctx.storage);
  }

  /** Takes the next part, and answers how many bytes are here. A part that is here already changes nothing. */
  async put({ sha256, size, offset, data }: AttachmentPart): Promise<Answer<number>> {
    if (offset + data.length > size) return { refused: partTooLong(size) };
    await this.#checking;
    const known = this.#store.content();
    if (known?.complete) {
      this.#store.touch(Date.now());
      return known.size === size ? { ok: size } : { refused: otherSize(known.size) };
    }
    // What was begun with another size cannot be told from this by its digest alone; the newest upload counts.
    const received = known?.size === size ? known.received : 0;
    const end = Math.max(received, data.length === 0 ? 0 : offset + data.length);
    if (end > received) {
      if (offset !== received) return { refused: partOutOfOrder(received) };
      if (known?.size !== size) this.#store.begin(size);
      this.#store.append(offset, data);
      this.#store.touch(Date.now());
      await this.ctx.storage.setAlarm(Date.now() + keepMs);
    }
    if (end < size) return { ok: end };
    this.#checking ??= this.#check(sha256, size).finally(() => {
      this.#checking = undefined;
    });
    return await this.#checking;
  }

  /** Keeps a content that is complete for a Job that names it; false when it is not. */
  async keepFor(jobId: string): Promise<boolean> {
    if (!this.#store.content()?.complete) return false;
    this.#store.addJob(jobId);
    this.#store.touch(Date.now());
    return true;
  }

  /** The bytes from an offset on, at most 512 KiB; undefined when the content is not complete. */
  async read(offset: number): Promise<AttachmentPiece | undefined> {
    const content = this.#store.content();
    return content?.complete ? { size: content.size, data: this.#store.read(offset, pieceBytes) } : undefined;
  }

  /** Forgets the content once it is old and the last Job that names it is gone. */
  override async alarm(): Promise<void> {
    if (this.#store.content() === undefined) return;
    const exists = async (jobId: string) => "ok" in (await this.env.JOB.getByName(jobId).get(0, 0));
    const againMs = await forgetUnused(this.#store, { nowMs: Date.now(), exists });
    if (againMs !== undefined) await this.ctx.storage.setAlarm(againMs);
  }

  /** Completes a content of which every part is here, or forgets it when it is not what it should be. */
  async #check(sha256: string, size: number): Promise<Answer<number>> {
    const bytes = this.#store.read(0, size);
    const found = hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
    const { kind, type } = sniffType(bytes);
    if (found === sha256 && kind === "accepted") {
      this.#store.complete();
      return { ok: size };
    }
    await this.#store.deleteAll();
    return { refused: found === sha256 ? typeRefused(type) : otherDigest(found) };
  }
}
