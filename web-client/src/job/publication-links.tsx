import type { Publication } from "#gen/job/v1/job_pb.js";
import { MarkedText } from "../ui/marked-text.tsx";

/** Where people see what of a job's work was brought to its host. */
export function PublicationLinks({ publication }: { readonly publication: Publication }) {
  const { branch, branchUrl, pullRequestUrl, pullRequestNumber } = publication;
  return (
    <>
      <OutsideLink url={branchUrl} text={branch} />
      {pullRequestNumber > 0 && (
        <>
          {", "}
          <OutsideLink url={pullRequestUrl} text={`#${pullRequestNumber}`} />
        </>
      )}
    </>
  );
}

/** The addresses come from a host's API: only those of the web become links. */
function OutsideLink({ url, text }: { readonly url: string; readonly text: string }) {
  const label = <MarkedText text={text} />;
  if (!/^https?:\/\//.test(url)) return label;
  return (
    <a href={url} rel="noreferrer" target="_blank">
      {label}
    </a>
  );
}
