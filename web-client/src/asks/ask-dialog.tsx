import { useEffect, useRef } from "preact/hooks";
import type { Ask } from "#gen/job/v1/ask_pb.js";
import type { Job } from "#gen/job/v1/job_pb.js";
import { AskCard } from "./ask-card.tsx";
import type { Deciding } from "./deciding.ts";

/** One ask over the page, to be answered without opening its job. To close it decides nothing. */
export function AskDialog(props: {
  readonly ask: Ask;
  readonly job: Job | undefined;
  readonly deciding: Deciding;
  readonly onClose: () => void;
}) {
  const { ask, job, deciding, onClose } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="ask-dialog" aria-labelledby={`${ask.id}-title`} onClose={onClose}>
      <AskCard key={ask.id} ask={ask} job={job} deciding={deciding} />
      <div class="row end">
        <a class="button" href={`/jobs/${ask.jobId}`} onClick={() => dialog.current?.close()}>
          Open the job
        </a>
        <button type="button" class="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}
