import { useEffect, useState } from "preact/hooks";
import type { Job } from "#gen/job/v1/job_pb.js";
import { type Diff, FileChange, type FileDiff } from "#gen/job/v1/job_service_pb.js";
import { MarkedText } from "../ui/marked-text.tsx";
import type { DiffStore } from "./diff-store.ts";
import { patchLines } from "./patch-lines.ts";

/** What a job changed, file by file. It is read again whenever the job counted anew. */
export function DiffView({ job, store }: { readonly job: Job; readonly store: DiffStore }) {
  const { files = 0, insertions = 0, deletions = 0 } = job.diffstat ?? {};
  useEffect(() => {
    void store.read(job.id);
  }, [job.id, store, `${files} ${insertions} ${deletions}`]);
  const shown = store.shown.value?.jobId === job.id ? store.shown.value : undefined;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
    <section class="diff" aria-label="Diff" aria-busy={!shown || shown.kind === "reading"} tabIndex={0}>
      {shown?.kind === "read" && <Changes key={job.id} diff={shown.diff} />}
      {shown?.kind === "failed" && <p class="diff-note">{shown.message}</p>}
      <div class="row">
        <button type="button" class="button small" onClick={() => void store.read(job.id)}>
          Read again
        </button>
      </div>
    </section>
  );
}

function Changes({ diff }: { readonly diff: Diff }) {
  const { stat, files, omittedFiles, baseCommit } = diff;
  if (files.length === 0) return <p class="diff-note">Nothing was changed.</p>;
  return (
    <>
      <p class="diff-note num">
        {stat?.files ?? 0} {stat?.files === 1 ? "file" : "files"} against {baseCommit.slice(0, 12)},{" "}
        <Counts insertions={stat?.insertions ?? 0} deletions={stat?.deletions ?? 0} />
      </p>
      {files.map((file) => (
        <FileChanges key={file.path} file={file} />
      ))}
      {omittedFiles > 0 && <p class="diff-note">{omittedFiles} more files are not shown.</p>}
    </>
  );
}

function FileChanges({ file }: { readonly file: FileDiff }) {
  const { path, oldPath, change, insertions, deletions } = file;
  const [isOpen, setOpen] = useState(insertions + deletions <= foldedLines);
  return (
    <details class="diff-file" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <span class="diff-change">{changeTitles[change]}</span>
        <span class="mono">
          {oldPath && <MarkedText text={`${oldPath} → `} />}
          <MarkedText text={path} />
        </span>
        <Counts insertions={insertions} deletions={deletions} />
      </summary>
      {isOpen && <Patch file={file} />}
    </details>
  );
}

function Counts({ insertions, deletions }: { readonly insertions: number; readonly deletions: number }) {
  return (
    <span class="diff-counts num">
      <span class="tone-ok">+{insertions}</span> <span class="tone-bad">−{deletions}</span>
    </span>
  );
}

function Patch({ file: { patch, binary, truncated } }: { readonly file: FileDiff }) {
  if (binary) return <p class="diff-note">A binary file.</p>;
  return (
    <>
      {patch.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        <pre class="diff-patch mono" tabIndex={0}>
          {patchLines(patch).map(({ kind, text }, index) => (
            <span key={index} class={`diff-${kind}`}>
              <MarkedText text={text} />
              {"\n"}
            </span>
          ))}
        </pre>
      )}
      {truncated && <p class="diff-note">{patch.length > 0 ? "The rest is" : "It is"} too large to be shown.</p>}
    </>
  );
}

/** A file with more changed lines is closed at first. */
const foldedLines = 500;

const changeTitles: Readonly<Record<FileChange, string>> = {
  [FileChange.UNSPECIFIED]: "Changed",
  [FileChange.ADDED]: "Added",
  [FileChange.MODIFIED]: "Changed",
  [FileChange.DELETED]: "Deleted",
  [FileChange.RENAMED]: "Renamed",
  [FileChange.COPIED]: "Copied",
  [FileChange.TYPE_CHANGED]: "Other type or mode",
};
