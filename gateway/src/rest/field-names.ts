/** Names of REST fields that stand for fields of the contract under another name, by the path in the contract. */
const names: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "spec.work": "type",
    "spec.task.invocation": "command",
    "spec.task.argv": "argv",
    "spec.task.argv.args": "argv",
    "spec.agent.agent": "type",
    "spec.limits.wall": "timeout_ms",
    "spec.limits.idle": "idle_timeout_ms",
    "spec.limits.queue": "queue_timeout_ms",
    "spec.limits.ask": "ask_timeout_ms",
    "spec.limits.log_bytes": "max_log_bytes",
    "spec.limits.budget_micros": "budget_usd",
    "send.text": "text",
    "edit.text": "text",
    "edit.id": "id",
    withdraw_id: "id",
    "asks[0].ask_id": "id",
    "asks[0].job_id": "job_id",
    "decision.verdict": "decision",
    "decision.allow": "decision",
    "decision.answers": "decision",
    "decision.raise_budget": "decision",
    "decision.allow.rule": "rule",
    "decision.allow.input_json": "input",
    "decision.deny.message": "message",
    "decision.answers.answers": "answers",
    "decision.raise_budget.limit_micros": "limit_usd",
    "rule.rule": "rule",
    "rule.lifetime": "lifetime_ms",
    "rule.repository": "repository",
    "rule.labels": "labels",
    "rule.job_id": "job_id",
    idempotency_key: "Idempotency-Key",
    page_size: "limit",
    states: "status",
    query: "q",
    after_sequence: "after",
    after_revision: "after",
  }),
);

/** The name under which a REST caller sent the field at this path of the contract. */
export function restFieldName(path: string): string {
  // An answer is its values.
  const named = path.replace(/(\.answers\[[0-9]+\])\.values.*$/, "$1");
  const [, base = named, index = ""] = /^(.*?)(\[.*)?$/.exec(named) ?? [];
  return names.get(named) ?? (names.get(base) ?? base.replace(/^spec\.(task\.|agent\.|limits\.)?/, "")) + index;
}
