import type { IncomingHttpHeaders } from "node:http";

/** When an answer says that another try is worth it, in ms since 1970; undefined when it does not say. */
export function retryTime(headers: IncomingHttpHeaders, nowMs: number): number | undefined {
  const retryAfter = text(headers["retry-after"]);
  if (/^\d+(\.\d+)?$/.test(retryAfter)) return nowMs + Math.ceil(Number(retryAfter) * 1000);
  const times = [parseTime(retryAfter), ...exhaustedResets(headers)].filter((time) => time !== undefined);
  return times.length === 0 ? undefined : Math.max(nowMs, ...times);
}

/** When the limits reset of which nothing remains. */
function exhaustedResets(headers: IncomingHttpHeaders): readonly (number | undefined)[] {
  return Object.keys(headers).flatMap((name) => {
    const [, limit] = /^anthropic-ratelimit-(.+)-reset$/.exec(name) ?? [];
    if (limit === undefined) return [];
    const remaining = text(headers[`anthropic-ratelimit-${limit}-remaining`]);
    const isSpent = remaining === "0" || text(headers[`anthropic-ratelimit-${limit}-status`]) === "rejected";
    return isSpent ? [parseTime(text(headers[name]))] : [];
  });
}

/** A date, or seconds since 1970. */
function parseTime(time: string): number | undefined {
  const ms = /^\d{9,12}$/.test(time) ? Number(time) * 1000 : Date.parse(time);
  return Number.isNaN(ms) ? undefined : ms;
}

function text(header: string | string[] | undefined): string {
  return typeof header === "string" ? header : "";
}
