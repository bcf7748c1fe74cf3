/**
 * The events of one Job as bytes: a ring of the newest frames in memory in front of the SQLite table. Frames are readable
 * at once and stored a little later (write-behind): what is not stored yet, the runner's spool still has.
 */
import { concatBytes } from "#protocol/bytes.ts";
import { Pulse } from "../pulse.ts";
import type { Frames, JobStore } from "./job-store.ts";

/** Frames are stored when this much has gathered … */
const flushBytes = 256 * 1024;
/** … or this long after the first of them. */
const flushDelayMs = 250;
/** Memory for the newest frames, stored or not. */
const ringBytes = 4 * 1024 * 1024;
/** Most bytes handed to a reader at once, unless one frame is larger. */
const readBytes = 64 * 1024;
/** Watchers that are woken at once; the more there are, the longer frames are gathered first. */
const promptWatchers = 50;
/** Lap of the clock that lets watchers send their heartbeats. */
const tickMs = 1_000;

/** Hears what becomes of frames that are stored by themselves. */
export interface StoreListener {
  /** Called inside the transaction that stores frames: time to store what follows from them. */
  onStore(): void;
  /** Events up to this number became durable. */
  onStored(sequence: number): void;
  /** They could not be stored: this life must end. */
  onBroken(error: unknown): void;
}

/** Appends, stores, and lets any number of watchers read at their own pace. */
export class FrameLog {
  readonly #store: JobStore;
  readonly #listener: StoreListener;
  readonly #pulse = new Pulse(tickMs);
  #ring: Frames[] = [];
  #ringSize = 0;
  #unstored: Frames[] = [];
  #unstoredSize = 0;
  #newest: number;
  #stored: number;
  #flushTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(store: JobStore, listener: StoreListener) {
    this.#store = store;
    this.#listener = listener;
    this.#newest = this.#stored = store.newest();
  }

  /** Number of the newest event, stored or not. */
  get newest(): number {
    return this.#newest;
  }

  /** Number of the newest stored event. */
  get stored(): number {
    return this.#stored;
  }

  /** Adds frames behind the newest. They are stored soon; `flush` stores them now. */
  append(frames: Frames): void {
    if (frames.first !== this.#newest + 1) throw new Error(`event ${frames.first} does not follow ${this.#newest}`);
    this.#newest = frames.last;
    this.#ring.push(frames);
    this.#ringSize += frames.bytes.length;
    this.#unstored.push(frames);
    this.#unstoredSize += frames.bytes.length;
    if (this.#unstoredSize >= flushBytes) this.#flushSoon(0);
    else this.#flushSoon(flushDelayMs);
    // A thread can wake about 40,000 watchers a second; this keeps it at three quarters of that.
    const { watchers } = this.#pulse;
    this.#pulse.beat(watchers <= promptWatchers ? 0 : watchers / 30);
  }

  /** Stores what is not stored yet as one row. Call it inside the transaction that stores what follows from it. */
  flush(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = null;
    const [head] = this.#unstored;
    if (head === undefined) return;
    this.#store.append({
      ...head,
      last: this.#newest,
      bytes: concatBytes(this.#unstored.map((frames) => frames.bytes)),
    });
    this.#unstored = [];
    this.#unstoredSize = 0;
    this.#stored = this.#newest;
    this.#trimRing();
  }

  /** Frames that hold the event after `sequence`, and maybe later ones; undefined when there is none yet. */
  readAfter(sequence: number): Frames | undefined {
    if (sequence >= this.#newest) return undefined;
    const [oldest] = this.#ring;
    if (oldest === undefined || sequence + 1 < oldest.first) return this.#store.framesAfter(sequence);
    const start = this.#ringIndex(sequence + 1);
    let end = start;
    let size = 0;
    for (; end < this.#ring.length; end += 1) {
      const length = this.#ring[end]?.bytes.length ?? 0;
      if (end > start && size + length > readBytes) break;
      size += length;
    }
    const [first, ...rest] = this.#ring.slice(start, end);
    if (first === undefined) return undefined;
    const last = rest.at(-1)?.last ?? first.last;
    return rest.length === 0
      ? first
      : { ...first, last, bytes: concatBytes([first, ...rest].map((frames) => frames.bytes)) };
  }

  /** The frames in which a line of output begins, stored first if need be; undefined when no such line has begun. */
  framesOfLine(line: number): Frames | undefined {
    this.#flushNow();
    return this.#store.framesOfLine(line);
  }

  /** Beats when something was appended; the more watchers there are, the more is gathered first. */
  get pulse(): Pulse {
    return this.#pulse;
  }

  #flushSoon(delayMs: number): void {
    if (this.#flushTimer !== null && delayMs > 0) return;
    clearTimeout(this.#flushTimer);
    if (delayMs === 0) this.#flushNow();
    else this.#flushTimer = setTimeout(() => this.#flushNow(), delayMs);
  }

  #flushNow(): void {
    try {
      this.#store.transaction(() => {
        this.flush();
        this.#listener.onStore();
      });
    } catch (error) {
      this.#listener.onBroken(error);
      throw error;
    }
    this.#listener.onStored(this.#stored);
  }

  #trimRing(): void {
    let drop = 0;
    while (this.#ringSize > ringBytes && drop < this.#ring.length) {
      this.#ringSize -= this.#ring[drop]?.bytes.length ?? 0;
      drop += 1;
    }
    if (drop > 0) this.#ring = this.#ring.slice(drop);
  }

  #ringIndex(sequence: number): number {
    let low = 0;
    let high = this.#ring.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ring[middle]?.last ?? 0) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
