import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { AgentEvent } from "#gen/job/v1/job_event_pb.js";
import { modeTitle } from "../jobs/permission-modes.ts";

/** What the transcript says in passing about an event that has no block of its own; nothing for most. */
export function noticeFor(event: AgentEvent["event"]): { tone: "quiet" | "warn"; text: string } | undefined {
  switch (event.case) {
    case "rateLimit": {
      const which = event.value.kind ? ` (${event.value.kind})` : "";
      const until = event.value.until ? ` until ${timestampDate(event.value.until).toLocaleTimeString()}` : "";
      return { tone: "warn", text: `The model's provider asks to wait${until}${which}.` };
    }
    case "permissionModeChanged": {
      const { mode, previousMode, actor, loosened } = event.value;
      const who = actor ? `by ${actor.id}` : "by the agent";
      const text = `Permissions: ${modeTitle(previousMode)} → ${modeTitle(mode)}, ${who}.`;
      return { tone: loosened ? "warn" : "quiet", text };
    }
    case "compaction":
      return { tone: "quiet", text: `The context was summarized (${event.value.tokensBefore} tokens before).` };
    case "hook": {
      const tone = event.value.exitCode ? "warn" : "quiet";
      return { tone, text: `Hook ${event.value.name} ran on ${event.value.event}.` };
    }
    case "raw":
      return { tone: "quiet", text: new TextDecoder().decode(event.value.line) };
    default:
      return undefined;
  }
}
