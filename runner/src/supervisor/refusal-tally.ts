import type { MessageInitShape } from "@bufbuild/protobuf";
import type { ConnectionRefusedSchema } from "#gen/job/v1/job_event_pb.js";
import type { Refusal } from "../sandbox/refusal.ts";

/** Counts what a job was refused, so that one that tries again and again does not fill its own log. */
export class RefusalTally {
  readonly #tell: (refused: MessageInitShape<typeof ConnectionRefusedSchema>) => void;
  readonly #counts = new Map<string, number>();

  constructor(tell: (refused: MessageInitShape<typeof ConnectionRefusedSchema>) => void) {
    this.#tell = tell;
  }

  /** Tells of the first of a kind, and then of the tenth, the hundredth and so on. Past many kinds the rest are one. */
  add(refusal: Refusal): void {
    const key = `${refusal.reason} ${refusal.host}:${refusal.port}`;
    const isKnown = this.#counts.has(key) || this.#counts.size < maxKinds;
    const [counted, told] = isKnown ? [key, refusal] : ["", { ...refusal, ...others }];
    const count = (this.#counts.get(counted) ?? 0) + 1;
    this.#counts.set(counted, count);
    if (Number.isInteger(Math.log10(count))) this.#tell({ ...told, count });
  }
}

const maxKinds = 1_000;
const others = { host: "", port: 0, message: "The job was refused so many hosts that they are told of no more." };
