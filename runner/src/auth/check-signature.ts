import { Code, type ConnectError } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";
import { type SignedParts, type SigningKey, signatureHeader, type Verdict, verify } from "#protocol/signature.ts";
import type { Nonces } from "./nonces.ts";

/** What signatures are checked against. */
export interface SignatureCheck {
  readonly keys: readonly SigningKey[];
  readonly nonces: Nonces;
  readonly now: () => number;
}

/** Throws UNAUTHENTICATED unless the gateway signed exactly this request, lately and for the first time. */
export async function checkSignature(
  { keys, nonces, now }: SignatureCheck,
  parts: SignedParts,
  header: string | undefined,
): Promise<void> {
  const verdict = await verify(keys, parts, header, now());
  if (verdict.kind !== "valid") throw refusal(verdict);
  if (!nonces.use(verdict.nonce, now())) {
    throw unauthenticated(
      ProblemReason.REPLAYED_SIGNATURE,
      "the signature was used before",
      "Sign every request anew.",
    );
  }
}

function refusal(verdict: Exclude<Verdict, { kind: "valid" }>): ConnectError {
  switch (verdict.kind) {
    case "missing":
      return badSignature(`the request has no ${signatureHeader} header`);
    case "malformed":
      return badSignature("the signature is malformed");
    case "unknown-key":
      return badSignature("the signature was made with a secret that this runner does not know");
    case "wrong":
      return badSignature("the signature does not fit the request");
    case "skewed": {
      const seconds = Math.round(verdict.skewMs / 1000);
      const off = `${Math.abs(seconds)} s ${seconds > 0 ? "ahead of" : "behind"}`;
      const message = `the signature's clock is ${off} the runner's`;
      return unauthenticated(ProblemReason.CLOCK_SKEW, message, "Set the clocks of gateway and runner.");
    }
  }
}

function badSignature(message: string): ConnectError {
  const action = "Give the gateway's RUNNER_SECRET and the runner's GATEWAY_SECRET the same value.";
  return unauthenticated(ProblemReason.BAD_SIGNATURE, message, action);
}

function unauthenticated(reason: ProblemReason, message: string, action: string): ConnectError {
  return problemError({ code: Code.Unauthenticated, reason, message, action });
}
