import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

/** The headers of a request that go on to the API, with the key in place of the job's token. */
export function requestHeaders(headers: IncomingHttpHeaders, { apiKey, bytes }: { apiKey: string; bytes: number }) {
  return {
    ...pick(headers, /^(accept|content-type|user-agent|x-app|(anthropic|x-stainless|x-claude-code)-.+)$/),
    "accept-encoding": "identity",
    "content-length": bytes,
    "x-api-key": apiKey,
  } satisfies OutgoingHttpHeaders;
}

/** The headers of an answer that go back to the agent. */
export function responseHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  return pick(headers, /^(content-type|request-id|retry-after|x-should-retry|anthropic-ratelimit-.+)$/);
}

function pick(headers: IncomingHttpHeaders, allowed: RegExp): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => allowed.test(name)));
}
