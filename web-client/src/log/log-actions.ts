/** What can be done with a log beside reading it, where the gateway offers it. */
export interface LogActions {
  /** Address of the log as bytes. */
  readonly rawUrl: string;
  readonly download: (format: DownloadFormat) => Promise<void>;
}

/** Plain text, text with its escape sequences, or a JSON object a line. */
export type DownloadFormat = "plain" | "ansi" | "ndjson";
