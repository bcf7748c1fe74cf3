/** What the fleet and a Job say to each other about a slot. */
import type { EndCause } from "#gen/job/v1/job_pb.js";
import type { ProblemReason } from "#gen/job/v1/problem_pb.js";

/** A runner that has a slot for the Job. */
export interface Offer {
  readonly runner: string;
  readonly url: string;
}

/** What the fleet has to say to a Job that is about to be created. */
export type Admission =
  | { readonly kind: "full" }
  /** It waits in the queue; somebody will offer it a slot. */
  | { readonly kind: "queued" }
  /** A slot is kept for it, so that it can begin at once. */
  | ({ readonly kind: "offered" } & Offer);

/** What a runner made of a StartJob. */
export type Started =
  | { readonly kind: "accepted" }
  /** It will not run the Job now; nothing has been started. */
  | { readonly kind: "refused"; readonly why: ProblemReason; readonly message: string }
  /** It can never run this Job; nothing has been started. */
  | { readonly kind: "impossible"; readonly cause: EndCause; readonly message: string }
  /** No answer: it may have been started. */
  | { readonly kind: "unanswered"; readonly message: string };

/** What became of an offer. */
export type OfferAnswer =
  | Started
  /** The Job does not wait any more. */
  | { readonly kind: "over"; readonly hasEnded: boolean }
  /** Another runner may be running it and has not been heard from; until then nobody else gets it. */
  | { readonly kind: "bound"; readonly runner: string; readonly untilMs: number };
