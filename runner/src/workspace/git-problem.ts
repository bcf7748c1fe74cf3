/** Why git could not get what it wanted from a host. */
export type HostProblem =
  /** The host does not answer: down, no route, too slow. */
  | "unreachable"
  /** It wants credentials, or does not take these. */
  | "refused"
  /** It knows no such repository, or says so to whoever may not see it. */
  | "missing"
  /** The repository is there, and the ref is not. */
  | "no-ref"
  /** It is larger than it may be here. */
  | "too-large"
  /** Something else, which may be wrong on this side. */
  | "other";

/** What git complained of. */
export function hostProblem(complaint: string): HostProblem {
  return (
    (Object.entries(patterns) as [HostProblem, RegExp][]).find(([, pattern]) => pattern.test(complaint))?.[0] ?? "other"
  );
}

/** The line that says most: the first fatal one, or the last. Of a very long one its beginning and its end. */
export function mainLine(complaint: string): string {
  const lines = complaint.split("\n").map((line) => line.trim());
  const told = lines.find((line) => /^(fatal|error): /.test(line)) ?? lines.at(-1) ?? "";
  const line = told.replace(/^(fatal|error): /, "");
  return line.length <= maxLine ? line : `${line.slice(0, maxLine / 2)} … ${line.slice(-maxLine / 2)}`;
}

const maxLine = 400;

const patterns = {
  "too-large": /died of signal 25|SIGXFSZ|File size limit exceeded|File too large/,
  "no-ref": /couldn't find remote ref|not our ref|Remote branch .* not found|no such remote ref|unadvertised object/i,
  refused: /Authentication failed|could not read (Username|Password)|error: 40[13]|HTTP 40[13]|returned error: 40[13]/i,
  missing: /repository '[^']*' not found|returned error: 404/i,
  unreachable:
    /Could not resolve|Failed to connect|Connection (refused|reset|timed out)|Operation too slow|timed out|Could not connect|No route to host|Empty reply|returned error: 5[0-9]{2}|SSL|TLS|response 50[0-9]|Proxy CONNECT aborted|early EOF|hung up unexpectedly/i,
} as const;
