import type { DownloadFormat, LogActions } from "../log/log-actions.ts";
import { downloadWithKey } from "../ui/download.ts";

/** Reading a job's log as a file. */
export function createLogActions(jobId: string, apiKey: () => string): LogActions {
  const rawUrl = `/api/jobs/${jobId}/logs`;
  const downloads: Record<
    DownloadFormat,
    { readonly path: string; readonly fileName: string; readonly accept?: string }
  > = {
    plain: { path: `${rawUrl}?ansi=0`, fileName: `${jobId}.txt` },
    ansi: { path: rawUrl, fileName: `${jobId}.log` },
    ndjson: { path: rawUrl, fileName: `${jobId}.ndjson`, accept: "application/x-ndjson" },
  };
  return { rawUrl, download: (format) => downloadWithKey(downloads[format], apiKey()) };
}
