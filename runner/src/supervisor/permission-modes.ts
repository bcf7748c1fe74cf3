import type { MessageInitShape } from "@bufbuild/protobuf";
import { type ActorSchema, PermissionMode } from "#gen/job/v1/job_pb.js";
import { isLooser } from "#protocol/permission-mode.ts";
import type { EventPayload } from "../executor/executor.ts";

/** The permission mode of an attempt: each change is written once, whoever tells of it. */
export class PermissionModes {
  readonly #emit: (payload: EventPayload) => void;
  #current: PermissionMode;

  constructor(initial: PermissionMode, emit: (payload: EventPayload) => void) {
    this.#current = settled(initial);
    this.#emit = emit;
  }

  /** What the agent may do now. */
  get current(): PermissionMode {
    return this.#current;
  }

  /** Says that the mode is this one from now on, and who wanted it; nobody when the agent itself did. */
  change(mode: PermissionMode, actor?: MessageInitShape<typeof ActorSchema>): void {
    const previousMode = this.#current;
    if (settled(mode) === previousMode) return;
    this.#current = settled(mode);
    const loosened = isLooser(this.#current, previousMode);
    const value = { mode: this.#current, previousMode, loosened, ...(actor && { actor }) };
    const event = { case: "permissionModeChanged", value } as const;
    this.#emit({ case: "agent", value: { event } });
  }
}

function settled(mode: PermissionMode): PermissionMode {
  return mode === PermissionMode.UNSPECIFIED ? PermissionMode.ASK : mode;
}
