import type { JobEvent, NetworkEvent, ProcessEvent, WorkspaceEvent } from "#gen/job/v1/job_event_pb.js";
import { EndCause } from "#gen/job/v1/job_pb.js";

/** What the log says in passing about an event that is not output; nothing for most. */
export function noteFor({ payload }: JobEvent): { readonly text: string; readonly tone: "quiet" | "warn" } | undefined {
  switch (payload.case) {
    case "workspace":
      return quiet(workspaceText(payload.value));
    case "process":
      return quiet(processText(payload.value));
    case "network":
      return networkNote(payload.value);
    default:
      return undefined;
  }
}

function workspaceText({ event }: WorkspaceEvent): string | undefined {
  switch (event.case) {
    case "scratch":
      return `workspace ${event.value.name}: an empty directory`;
    case "cloneStarted":
      return `cloning ${event.value.url}${event.value.ref ? ` at ${event.value.ref}` : ""}`;
    case "checkedOut":
      return `checked out ${event.value.commit.slice(0, 12)} ${event.value.subject}`;
    case "diffstat":
      return `changed ${event.value.files} files, +${event.value.insertions} −${event.value.deletions}`;
    default:
      return undefined;
  }
}

function processText({ event }: ProcessEvent): string | undefined {
  switch (event.case) {
    case "stopRequested":
      return event.value.cause === EndCause.CANCELED
        ? `stop asked for by ${event.value.actor?.id ?? "a caller"}`
        : "stopping";
    case "signalSent":
      return `${event.value.signal} sent`;
    case "exited":
      return event.value.signal ? `ended by ${event.value.signal}` : `exited with ${event.value.exitCode ?? 0}`;
    default:
      return undefined;
  }
}

function networkNote({ event }: NetworkEvent): ReturnType<typeof noteFor> {
  switch (event.case) {
    case "refused":
      return { text: event.value.message, tone: "warn" };
    case "allowed":
      return quiet(`${event.value.host} allowed by ${event.value.actor?.id ?? "a caller"}`);
    default:
      return undefined;
  }
}

function quiet(text: string | undefined): { text: string; tone: "quiet" } | undefined {
  return text === undefined ? undefined : { text, tone: "quiet" };
}
