import type { SessionModeState } from "@agentclientprotocol/sdk";
import { PermissionMode } from "#gen/job/v1/job_pb.js";

/** The modes that an agent offers. The protocol leaves their names to agents; these are what agents call them. */
export class OfferedModes {
  readonly #ids: readonly string[];

  constructor(modes: SessionModeState | null | undefined) {
    this.#ids = modes?.availableModes.map(({ id }) => id) ?? [];
  }

  /** What the agent calls a permission mode; undefined when it does not offer it. */
  idOf(mode: PermissionMode): string | undefined {
    return this.#ids.find((id) => modeNamed(id) === mode);
  }
}

/** The permission mode that agents call so; undefined for one that has no name here. */
export function modeNamed(id: string): PermissionMode | undefined {
  return modesByName.get(id.toLowerCase().replace(/[^a-z]/g, ""));
}

const modesByName = new Map([
  ["default", PermissionMode.ASK],
  ["ask", PermissionMode.ASK],
  ["acceptedits", PermissionMode.ACCEPT_EDITS],
  ["autoedit", PermissionMode.ACCEPT_EDITS],
  ["plan", PermissionMode.PLAN],
  ["bypasspermissions", PermissionMode.BYPASS],
  ["fullaccess", PermissionMode.BYPASS],
  ["yolo", PermissionMode.BYPASS],
]);
