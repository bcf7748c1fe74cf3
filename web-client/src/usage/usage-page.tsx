import { useEffect } from "preact/hooks";
import type { UsageRow } from "#gen/fleet/v1/fleet_service_pb.js";
import type { Usage } from "#gen/job/v1/job_pb.js";
import { MarkedText } from "../ui/marked-text.tsx";
import { Tabs, tabPanelProps } from "../ui/tabs.tsx";
import { costText, countText } from "../ui/time-text.ts";
import { type GroupingId, groupings, type UsageStore } from "./usage-store.ts";

/** What models cost in the last 30 days, as one table. */
export function UsagePage(props: {
  readonly store: UsageStore;
  /** The title of a job, for the table by job. */
  readonly titleOf: (jobId: string) => string;
  /** Empty when the browser itself signs the caller in. */
  readonly apiKey: string;
}) {
  const { store, titleOf } = props;
  const by = store.by.value;
  useEffect(() => store.show(by), []);
  const csvPath = `/api/usage?by=${by}&format=csv`;
  return (
    <section class="sheet" aria-labelledby="usage-title">
      <header class="sheet-head">
        <h1 id="usage-title">Usage of the last 30 days</h1>
        <a
          class="button small"
          href={csvPath}
          download={`usage-by-${by}.csv`}
          onClick={(event) => {
            if (!props.apiKey) return;
            event.preventDefault();
            void store.download(csvPath, props.apiKey);
          }}
        >
          CSV
        </a>
      </header>
      <Tabs name="usage" label="Group by" tabs={groupings} open={by} onOpen={store.show} />
      <div {...tabPanelProps("usage", by)}>
        {store.failure.value && <p class="refusal">{store.failure.value}</p>}
        <UsageTable store={store} by={by} titleOf={titleOf} />
      </div>
    </section>
  );
}

const keyTitles: Record<GroupingId, string> = {
  day: "Day (UTC)",
  repository: "Repository",
  model: "Model",
  job: "Job",
};

function UsageTable(props: {
  readonly store: UsageStore;
  readonly by: GroupingId;
  readonly titleOf: (jobId: string) => string;
}) {
  const { store, by, titleOf } = props;
  const usage = store.usage.value;
  if (!usage) return store.failure.value ? null : <p class="empty">Reading …</p>;
  if (usage.rows.length === 0) return <p class="empty">No model was used.</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
    <section class="table-box" aria-label="Usage" tabIndex={0}>
      <table class="num">
        <thead>
          <tr>
            {[keyTitles[by], "Jobs", "Requests", "In", "Out", "Cache", "Cost"].map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {usage.rows.map((row) => (
            <Row key={row.key} row={row} by={by} titleOf={titleOf} />
          ))}
        </tbody>
        {usage.total && (
          <tfoot>
            <tr>
              <th scope="row">Total</th>
              <td />
              <Figures usage={usage.total} />
            </tr>
          </tfoot>
        )}
      </table>
    </section>
  );
}

function Row(props: { readonly row: UsageRow; readonly by: GroupingId; readonly titleOf: (jobId: string) => string }) {
  const { row, by, titleOf } = props;
  return (
    <tr>
      <th scope="row">
        {by === "job" ? (
          <a href={`/jobs/${row.key}`}>
            <MarkedText text={titleOf(row.key)} />
          </a>
        ) : (
          <MarkedText text={row.key} />
        )}
      </th>
      <td>{row.jobs}</td>
      {row.usage && <Figures usage={row.usage} />}
    </tr>
  );
}

function Figures({ usage }: { readonly usage: Usage }) {
  return (
    <>
      <td>{usage.requests}</td>
      <td>{countText(Number(usage.inputTokens))}</td>
      <td>{countText(Number(usage.outputTokens))}</td>
      <td>{countText(Number(usage.cacheReadTokens + usage.cacheWriteTokens))}</td>
      <td>
        {costText(Number(usage.costMicros))}
        {usage.estimated && " est."}
      </td>
    </>
  );
}
