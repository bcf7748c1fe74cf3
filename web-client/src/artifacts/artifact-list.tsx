import { useState } from "preact/hooks";
import { downloadWithKey } from "../ui/download.ts";
import { MarkedText } from "../ui/marked-text.tsx";
import { bytesText } from "../ui/time-text.ts";
import { type Artifacts, artifactUrl, type CollectedFile } from "./artifacts.ts";

/** The files that a job left, to be saved, and those that were left out. */
export function ArtifactList(props: {
  readonly jobId: string;
  readonly artifacts: Artifacts;
  /** Empty when the browser itself signs the caller in. */
  readonly apiKey: string;
}) {
  const [failure, setFailure] = useState("");
  const { files, leftOut } = props.artifacts;
  const count = files.length === 1 ? "1 file" : `${files.length} files`;
  return (
    <details class="artifacts">
      <summary>
        Artifacts: {count}
        {leftOut.length > 0 && `, ${leftOut.length} left out`}
      </summary>
      {failure && <p class="refusal">{failure}</p>}
      <ul>
        {files.map((file) => (
          <ArtifactRow key={file.path} file={file} {...props} onFailure={setFailure} />
        ))}
        {leftOut.map(({ path, reason }) => (
          <li key={`!${path}`}>
            <span class="mono">
              <MarkedText text={path || "…"} />
            </span>
            <span class="artifact-note">
              <MarkedText text={reason} />
            </span>
          </li>
        ))}
      </ul>
    </details>
  );
}

function ArtifactRow(props: {
  readonly jobId: string;
  readonly file: CollectedFile;
  readonly apiKey: string;
  readonly onFailure: (failure: string) => void;
}) {
  const { jobId, apiKey, onFailure } = props;
  const { path, bytes } = props.file;
  const url = artifactUrl(jobId, path);
  const fileName = path.slice(path.lastIndexOf("/") + 1);
  const save = () =>
    downloadWithKey({ path: url, fileName }, apiKey).then(
      () => onFailure(""),
      (error: unknown) => onFailure(`The file could not be read: ${error instanceof Error ? error.message : error}.`),
    );
  return (
    <li>
      <a
        class="mono"
        href={url}
        download={fileName}
        onClick={(event) => {
          if (!apiKey) return;
          event.preventDefault();
          void save();
        }}
      >
        <MarkedText text={path} />
      </a>
      <span class="num artifact-note">{bytesText(bytes)}</span>
    </li>
  );
}
