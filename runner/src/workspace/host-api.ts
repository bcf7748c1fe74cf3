/** What a host's REST API answered. */
export interface ApiAnswer {
  readonly status: number;
  /** The body's JSON; undefined when it is none, such as a page of a proxy on the way. */
  readonly body: unknown;
}

/** A request to a host's REST API. */
export interface ApiCall {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: object;
}

/** How a host's REST API is reached, with a token for the moment of use. */
export interface ApiAccess {
  /** Without a slash at its end. */
  readonly apiUrl: string;
  readonly token: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: typeof fetch;
}

/** Calls a host's REST API. Never follows redirects, which could carry the token elsewhere. */
export async function callApi(
  { apiUrl, token, headers, fetch }: ApiAccess,
  { method, path, body }: ApiCall,
): Promise<ApiAnswer> {
  const response = await fetch(`${apiUrl}${path}`, {
    method,
    headers: {
      ...headers,
      authorization: `Bearer ${token}`,
      "user-agent": "blazecraft-runner",
      ...(body && { "content-type": "application/json" }),
    },
    ...(body && { body: JSON.stringify(body) }),
    redirect: "error",
    signal: AbortSignal.timeout(callMs),
  });
  return { status: response.status, body: parseJson((await response.text()).slice(0, maxBodyLength)) };
}

/** What a host says is wrong, in one line: of GitHub `message` and `errors`, of GitLab `message` or `error` in any form. */
export function complaintOf({ status, body }: ApiAnswer): string {
  const told = ["message", "errors", "error"].flatMap((name) => texts(fieldOf(body, name)));
  const words = [...new Set(told)].join("; ").replace(/\s+/g, " ").trim();
  return `status ${status}${words === "" ? "" : `: ${words.slice(0, maxComplaintLength)}`}`;
}

/** A field of an object; undefined when there is none. */
export function fieldOf(body: unknown, name: string): unknown {
  if (typeof body !== "object" || body === null) return undefined;
  return Object.entries(body).find(([key]) => key === name)?.[1];
}

/** A field that is text; empty when it is not. */
export function textOf(body: unknown, name: string): string {
  const value = fieldOf(body, name);
  return typeof value === "string" ? value : "";
}

/** A field that is a whole number; 0 when it is not. */
export function countOf(body: unknown, name: string): number {
  const value = fieldOf(body, name);
  return typeof value === "number" && Number.isInteger(value) ? value : 0;
}

function texts(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(texts);
  if (typeof value !== "object" || value === null) return [];
  const message = fieldOf(value, "message");
  return message === undefined ? Object.values(value).flatMap(texts) : texts(message);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A proxy on the way may answer with a page; the status tells what matters.
    return undefined;
  }
}

const callMs = 20_000;
const maxBodyLength = 4 << 20;
const maxComplaintLength = 400;
