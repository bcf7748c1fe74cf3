import { RefusalReason } from "#gen/job/v1/job_event_pb.js";
import type { Target } from "./target.ts";

/** A connection that a job did not get. */
export interface Refusal {
  /** As the job named it; of a malformed one what can be told. */
  readonly host: string;
  readonly port: number;
  readonly reason: RefusalReason;
  /** One sentence for a person: why, and what to do. */
  readonly message: string;
}

/** The refusal of a host that nobody allowed. */
export function notAllowed(target: Target, { mayAllowMore }: { mayAllowMore: boolean }): Refusal {
  const place = placeOf(target);
  const remedy = mayAllowMore
    ? `allow it for this job (its page, or POST /api/jobs/{id}/allowed-hosts), or for every job with EGRESS_ALLOW`
    : `only the runner's operator can allow it, with EGRESS_ALLOW`;
  return refusal(
    target,
    RefusalReason.NOT_ALLOWED,
    `${place} is not among the hosts that this job may reach: ${remedy}.`,
  );
}

/** The refusal of a name that leads to no address of the internet. */
export function privateAddress(target: Target, address: string): Refusal {
  const fact = `${placeOf(target)} leads to ${address}, which is no address of the internet`;
  const remedy = `only the runner's operator can allow it, with EGRESS_ALLOW_ADDRESSES`;
  return refusal(target, RefusalReason.PRIVATE_ADDRESS, `${fact}: ${remedy}.`);
}

/** The refusal of a host that cannot be connected to. */
export function unreachable(target: Target, problem: string): Refusal {
  return refusal(target, RefusalReason.UNREACHABLE, `${placeOf(target)} cannot be reached: ${problem}.`);
}

/** The refusal of a request that is wrong, whatever is allowed. */
export function malformed(target: Target, problem: string): Refusal {
  const place = target.host === "" ? "The request" : placeOf(target);
  return refusal(target, RefusalReason.MALFORMED, `${place} is refused: ${problem}.`);
}

/** The status of the answer that tells of a refusal. */
export function statusOf({ reason }: Refusal): number {
  switch (reason) {
    case RefusalReason.NOT_ALLOWED:
    case RefusalReason.PRIVATE_ADDRESS:
      return 403;
    case RefusalReason.UNREACHABLE:
      return 502;
    case RefusalReason.MALFORMED:
    case RefusalReason.UNSPECIFIED:
      return 400;
  }
}

function refusal({ host, port }: Target, reason: RefusalReason, message: string): Refusal {
  return { host: printable(host, 255), port, reason, message: printable(message, 1000) };
}

/** What a job sent is shown in pages and terminals. */
function printable(text: string, maxLength: number): string {
  return text.slice(0, maxLength).replace(/[^ -~]/g, "?");
}

function placeOf({ host, port }: Target): string {
  return port === 0 ? host : `${host}:${port}`;
}
