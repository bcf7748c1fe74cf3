import type { ComponentChildren } from "preact";
import type { Draft, DraftField, JobType } from "./draft.ts";
import type { NewJob } from "./new-job.ts";
import { permissionModes } from "./permission-modes.ts";

const timeouts: readonly (readonly [seconds: string, title: string])[] = [
  ["", "default"],
  ["60", "1 min"],
  ["300", "5 min"],
  ["1800", "30 min"],
  ["7200", "2 h"],
  ["86400", "24 h"],
];

/** The form of the New tab. Ctrl+Enter runs it from anywhere inside. */
export function NewJobForm({ form }: { readonly form: NewJob }) {
  const type = form.type.value;
  const draft = form.draft(type);
  const refusal = form.refusal.value;
  const run = (event: Event) => {
    event.preventDefault();
    void form.run();
  };
  const bind = (field: DraftField) => ({
    id: `new-${field}`,
    value: draft[field],
    onInput: (event: { readonly currentTarget: { readonly value: string } }) =>
      form.edit(type, { [field]: event.currentTarget.value } satisfies Partial<Draft>),
    ...(refusal?.field === field ? ({ "aria-invalid": true, "aria-describedby": "new-refusal" } as const) : {}),
  });
  return (
    <form
      class="new-job"
      aria-label="New job"
      onSubmit={run}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run(event);
      }}
    >
      <div class="new-job-head">
        <fieldset class="segments">
          <legend class="visually-hidden">Type of job</legend>
          <TypeChoice form={form} type="task" title="Task" />
          <TypeChoice form={form} type="claude" title="Claude Code" />
        </fieldset>
        <Labelled title="Repository" field="repoRef">
          <input
            {...bind("repoRef")}
            class="mono"
            spellcheck={false}
            autocomplete="off"
            placeholder="owner/name@ref or local"
          />
        </Labelled>
        <Labelled title="Name" field="name">
          <input {...bind("name")} autocomplete="off" placeholder="name, if you like" maxLength={120} />
        </Labelled>
      </div>
      <label class="visually-hidden" for="new-work">
        {type === "task" ? "Command" : "Prompt"}
      </label>
      <textarea
        {...bind("work")}
        class="new-job-work mono"
        spellcheck={type === "claude"}
        placeholder={type === "task" ? "npm ci && npm test" : "Fix the failing login test and say what was wrong."}
      />
      <div class="new-job-foot">
        <Labelled title="Timeout" field="timeoutS">
          <select {...bind("timeoutS")}>
            {timeouts.map(([seconds, title]) => (
              <option key={seconds} value={seconds}>
                {title}
              </option>
            ))}
          </select>
        </Labelled>
        {type === "claude" && (
          <Labelled title="Permissions" field="permissionMode">
            <select {...bind("permissionMode")}>
              {permissionModes.map(([mode, title]) => (
                <option key={mode} value={String(mode)}>
                  {title}
                </option>
              ))}
            </select>
          </Labelled>
        )}
        {type === "claude" && (
          <>
            <Labelled title="Budget $" field="budget">
              <input {...bind("budget")} class="num" inputMode="decimal" autocomplete="off" placeholder="none" />
            </Labelled>
            <Labelled title="Turns" field="maxTurns">
              <input {...bind("maxTurns")} class="num" inputMode="numeric" autocomplete="off" placeholder="any" />
            </Labelled>
          </>
        )}
        <p id="new-refusal" class="refusal">
          {refusal && (
            <>
              <strong>{refusal.message}</strong> {refusal.action}
            </>
          )}
        </p>
        <button type="submit" class="button primary run" disabled={form.sending.value !== undefined}>
          Run job{" "}
          <span class="keycap" aria-hidden="true">
            Ctrl ↵
          </span>
        </button>
      </div>
    </form>
  );
}

function TypeChoice({ form, type, title }: { readonly form: NewJob; readonly type: JobType; readonly title: string }) {
  return (
    <label class="segment">
      <input
        type="radio"
        name="job-type"
        value={type}
        checked={form.type.value === type}
        onChange={() => form.chooseType(type)}
      />
      <span>{title}</span>
    </label>
  );
}

function Labelled(props: { readonly title: string; readonly field: DraftField; readonly children: ComponentChildren }) {
  return (
    <div class={`field field-${props.field}`}>
      <label class="field-label" for={`new-${props.field}`}>
        {props.title}
      </label>
      {props.children}
    </div>
  );
}
