import { readEvents } from "./event-stream.ts";

/** One check of the guide's verification checklist. */
export interface Check {
  readonly title: string;
  /** Says line by line what was asked and what came back. Throws an Error that says what is wrong instead. */
  readonly run: (say: (line: string) => void, signal: AbortSignal) => Promise<void>;
}

/** The four checks of the deployment guide, against a system on these two addresses. */
export function listChecks(runnerUrl: string, gatewayUrl: string): readonly Check[] {
  return [
    {
      title: "The runner answers",
      run: (say, signal) => checkHealth(`${runnerUrl}/health`, { status: "ok" }, say, signal),
    },
    {
      title: "The gateway reaches the runner",
      run: (say, signal) => checkHealth(`${gatewayUrl}/api/health/runner`, { runner: "connected" }, say, signal),
    },
    { title: "A test job runs and its log streams", run: (say, signal) => checkJob(gatewayUrl, say, signal) },
    { title: "The page with the Job Panel is served", run: (say, signal) => checkPage(gatewayUrl, say, signal) },
  ];
}

async function checkHealth(
  url: string,
  expected: Readonly<Record<string, string>>,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  say(`GET ${url}`);
  const response = await fetch(url, { signal });
  const text = await response.text();
  say(`${response.status} ${text}`);
  const body = JSON.parse(text) as Record<string, unknown>;
  for (const [field, value] of Object.entries(expected)) {
    if (body[field] !== value) throw new Error(`"${field}" should be "${value}"`);
  }
}

async function checkJob(gatewayUrl: string, say: (line: string) => void, signal: AbortSignal): Promise<void> {
  const request = '{"type":"task","repo_ref":"test","command":"echo hello"}';
  say(`POST ${gatewayUrl}/api/jobs ${request}`);
  const created = await fetch(`${gatewayUrl}/api/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: request,
    signal,
  });
  const text = await created.text();
  if (created.status !== 201) throw new Error(`answered ${created.status} ${text}`);
  const { id, status } = JSON.parse(text) as { id: string; status: string };
  say(`201 {"id":"${id}","status":"${status}",…}`);
  await watchJob(`${gatewayUrl}/api/jobs/${id}/events`, say, signal);
}

/** Follows the job to its end, which must be success after a line `hello`. */
async function watchJob(url: string, say: (line: string) => void, signal: AbortSignal): Promise<void> {
  say(`GET ${url}`);
  const response = await fetch(url, { headers: { accept: "text/event-stream" }, signal });
  if (!response.ok || !response.body) throw new Error(`answered ${response.status} ${await response.text()}`);
  const lines: string[] = [];
  for await (const { event, data } of readEvents(response.body)) {
    const fields = JSON.parse(data) as { status?: string; message?: string; reason?: string };
    if (event === "status") say(`status ${fields.status}${fields.reason ? ` (${fields.reason})` : ""}`);
    if (event === "log") {
      lines.push(fields.message ?? "");
      say(`log    ${fields.message}`);
    }
    if (event !== "end") continue;
    say(`end    ${fields.status}`);
    if (fields.status !== "succeeded") throw new Error(`the job ended ${fields.status}`);
    if (!lines.includes("hello")) throw new Error("the log has no line hello");
    return;
  }
  throw new Error("the stream ended before the job did");
}

async function checkPage(gatewayUrl: string, say: (line: string) => void, signal: AbortSignal): Promise<void> {
  say(`GET ${gatewayUrl}/`);
  const response = await fetch(gatewayUrl, { signal });
  const page = await response.text();
  say(`${response.status} ${response.headers.get("content-type")}, ${page.length} characters`);
  const paths = Array.from(page.matchAll(/(?:src|href)="(\/[^"]+\.(?:js|css))"/g), ([, path = ""]) => path);
  if (!paths.some((path) => path.endsWith(".js"))) throw new Error("the page loads no script");
  const sources = await Promise.all(paths.map((path) => readAsset(gatewayUrl + path, signal)));
  if (!sources.some((source) => /job panel/i.test(source))) throw new Error("no script of the page holds a Job Panel");
  say(`${paths.length} scripts and styles, the Job Panel among them`);
}

async function readAsset(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal });
  const type = response.headers.get("content-type") ?? "";
  // An unknown path would answer with the page itself.
  if (!response.ok || !/javascript|css/.test(type)) throw new Error(`${url} answered ${response.status} ${type}`);
  return response.text();
}
