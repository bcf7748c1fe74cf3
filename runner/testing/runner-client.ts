import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { RunnerService } from "#gen/runner/v1/runner_service_pb.js";
import { type SigningKey, sign, signatureHeader } from "#protocol/signature.ts";

/** A client of a runner that signs each call as a gateway does. */
export function createRunnerClient(baseUrl: string, key: SigningKey): Client<typeof RunnerService> {
  const signedFetch: typeof fetch = async (input, init) => {
    const body = init?.body instanceof Uint8Array ? init.body : new Uint8Array(0);
    const headers = new Headers(init?.headers);
    headers.set(signatureHeader, await signRequest(key, String(input), headers.get("content-type") ?? "", body));
    return fetch(input, { ...init, headers });
  };
  return createClient(RunnerService, createConnectTransport({ baseUrl, useBinaryFormat: true, fetch: signedFetch }));
}

/** The signature of a POST, at the present time unless another is given. */
export function signRequest(
  key: SigningKey,
  url: string,
  contentType: string,
  body: Uint8Array,
  nowMs = Date.now(),
): Promise<string> {
  const { pathname, search } = new URL(url);
  return sign(key, { method: "POST", path: `${pathname}${search}`, contentType, body }, nowMs);
}
