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
  const [, base = path, index = ""] = /^(.*?)(\[.*)?$/.exec(path) ?? [];
  return (names.get(base) ?? base.replace(/^spec\.(task\.|agent\.|limits\.)?/, "")) + index;
}
