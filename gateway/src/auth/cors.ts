import { cors } from "@connectrpc/connect";

const requestHeaders = [
  "authorization",
  "x-api-key",
  "idempotency-key",
  "if-none-match",
  "last-event-id",
  ...cors.allowedHeaders,
];

const responseHeaders = [
  "content-disposition",
  "content-range",
  "link",
  "location",
  "etag",
  "retry-after",
  "x-request-id",
  "x-total-lines",
  "x-incomplete-files",
  "idempotent-replayed",
  ...cors.exposedHeaders,
];

/** The answer to a browser that asks whether a page elsewhere may call; the border has checked that it may. */
export function answerPreflight(): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE",
      "access-control-allow-headers": requestHeaders.join(", ").toLowerCase(),
      "access-control-max-age": "7200",
    },
  });
}

/** Lets the page of an allowed origin read the answer. */
export function allowOrigin(request: Request, headers: Headers, allowedOrigins: readonly string[]): void {
  headers.append("vary", "Origin");
  const origin = request.headers.get("origin");
  if (origin === null || !allowedOrigins.includes(origin)) return;
  headers.set("access-control-allow-origin", origin);
  headers.set("access-control-expose-headers", responseHeaders.join(", ").toLowerCase());
}
