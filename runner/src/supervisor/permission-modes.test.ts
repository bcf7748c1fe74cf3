import { expect, test } from "vitest";
import { ActorKind, PermissionMode } from "#gen/job/v1/job_pb.js";
import type { EventPayload } from "../executor/executor.ts";
import { PermissionModes } from "./permission-modes.ts";

const { UNSPECIFIED, PLAN, ASK, ACCEPT_EDITS, BYPASS } = PermissionMode;
const ana = { kind: ActorKind.CALLER, id: "ana" };

function changesFrom(initial: PermissionMode) {
  const written: EventPayload[] = [];
  const modes = new PermissionModes(initial, (payload) => void written.push(payload));
  const told = () =>
    written.map(({ case: kind, value }) => (kind === "agent" && "event" in value ? value.event?.value : undefined));
  return { modes, told };
}

test("a change is told with what was before, who wanted it, and whether it allows more", () => {
  const { modes, told } = changesFrom(ASK);
  modes.change(BYPASS, ana);
  modes.change(PLAN, ana);
  modes.change(ASK);
  expect(told()).toEqual([
    { mode: BYPASS, previousMode: ASK, loosened: true, actor: ana },
    { mode: PLAN, previousMode: BYPASS, loosened: false, actor: ana },
    { mode: ASK, previousMode: PLAN, loosened: true },
  ]);
  expect(modes.current).toBe(ASK);
});

test("the mode that it is in already is no change, and one that was not chosen is to ask", () => {
  const { modes, told } = changesFrom(UNSPECIFIED);
  modes.change(ASK, ana);
  modes.change(UNSPECIFIED);
  modes.change(ACCEPT_EDITS, ana);
  modes.change(ACCEPT_EDITS);
  expect(told()).toHaveLength(1);
});
