import type { ServerResponse } from "node:http";

/** An error in the form of the Messages API. */
export interface ApiError {
  readonly status: number;
  /** Such as "authentication_error". */
  readonly type: string;
  /** One sentence. */
  readonly message: string;
}

/** The body of an error. */
export function errorBody({ type, message }: ApiError): string {
  return JSON.stringify({ type: "error", error: { type, message } });
}

/** Answers with an error of our own; the caller is told that the same request would fare no better. */
export function writeApiError(response: ServerResponse, error: ApiError): void {
  response.writeHead(error.status, { "content-type": "application/json", "x-should-retry": "false" });
  response.end(errorBody(error));
}
