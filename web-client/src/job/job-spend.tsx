import type { Job, Usage } from "#gen/job/v1/job_pb.js";
import { MarkedText } from "../ui/marked-text.tsx";
import { costText, countText } from "../ui/time-text.ts";
import { type Spend, spendOf } from "./spend.ts";

/** What an agent took so far: tokens and cost in one line, the budget as a bar, each model on demand. */
export function JobSpend({ job }: { readonly job: Job }) {
  const spend = spendOf(job);
  return (
    <section class="spend num" aria-label="Tokens and cost">
      {spend.budget && <BudgetBar budget={spend.budget} />}
      {job.usageByModel.length === 0 ? (
        <p>{spend.text}</p>
      ) : (
        <details>
          <summary>{spend.text}</summary>
          <UsageTable job={job} />
        </details>
      )}
    </section>
  );
}

function BudgetBar({ budget }: { readonly budget: NonNullable<Spend["budget"]> }) {
  return (
    <p class={`budget tone-${budget.tone}`}>
      <meter max={100} value={budget.percent} aria-label="Budget spent" />
      {budget.text}
    </p>
  );
}

function UsageTable({ job }: { readonly job: Job }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
    <section class="table-box" aria-label="By model" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col">Requests</th>
            <th scope="col">In</th>
            <th scope="col">Out</th>
            <th scope="col">Cache read</th>
            <th scope="col">Cache write</th>
            <th scope="col">Cost</th>
          </tr>
        </thead>
        <tbody>
          {job.usageByModel.map(({ model, usage }) => usage && <UsageRow key={model} model={model} usage={usage} />)}
        </tbody>
      </table>
    </section>
  );
}

function UsageRow({ model, usage }: { readonly model: string; readonly usage: Usage }) {
  return (
    <tr>
      <th scope="row">
        <MarkedText text={model} />
      </th>
      <td>{usage.requests}</td>
      <td>{countText(Number(usage.inputTokens))}</td>
      <td>{countText(Number(usage.outputTokens))}</td>
      <td>{countText(Number(usage.cacheReadTokens))}</td>
      <td>{countText(Number(usage.cacheWriteTokens))}</td>
      <td>
        {costText(Number(usage.costMicros))}
        {usage.estimated && " est."}
      </td>
    </tr>
  );
}
