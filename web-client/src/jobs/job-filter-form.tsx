import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { type JobFilter, stateNames } from "./job-filter.ts";

const typingMs = 300;

/** The fields of a filter. What is typed counts after a moment, what is chosen at once. */
export function JobFilterForm(props: {
  readonly filter: JobFilter;
  readonly runnerNames: readonly string[];
  readonly onChange: (filter: JobFilter) => void;
}) {
  const { filter, onChange } = props;
  const latest = useRef(filter);
  latest.current = filter;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const set = (change: Partial<JobFilter>) => onChange({ ...latest.current, ...change });
  const type = (field: "q" | "label") => ({
    value: filter[field],
    autocomplete: "off",
    onInput: (event: { readonly currentTarget: { readonly value: string } }) => {
      const { value } = event.currentTarget;
      clearTimeout(timer.current);
      timer.current = setTimeout(() => set({ [field]: value }), typingMs);
    },
  });
  return (
    <form class="filters" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      <Field title="Search">
        <input {...type("q")} type="search" placeholder="name, command, prompt" />
      </Field>
      <Field title="State">
        <Choice value={filter.status} values={[...stateNames.keys()]} onChange={(status) => set({ status })} />
      </Field>
      <Field title="Type">
        <Choice value={filter.type} values={["task", "claude"]} onChange={(chosen) => set({ type: chosen })} />
      </Field>
      <Field title="Runner">
        <Choice value={filter.runner} values={props.runnerNames} onChange={(runner) => set({ runner })} />
      </Field>
      <Field title="Label">
        <input {...type("label")} placeholder="team=core" spellcheck={false} />
      </Field>
      <Field title="Before">
        <input
          type="date"
          value={filter.before.slice(0, 10)}
          onChange={(event) => set({ before: event.currentTarget.value })}
        />
      </Field>
    </form>
  );
}

function Field({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the field is what it is given
    <label class="filter">
      <span class="field-label">{title}</span>
      {children}
    </label>
  );
}

/** One of a few, or any. What the address names beside them can be seen, and taken back. */
function Choice(props: {
  readonly value: string;
  readonly values: readonly string[];
  readonly onChange: (value: string) => void;
}) {
  const values = props.value && !props.values.includes(props.value) ? [...props.values, props.value] : props.values;
  return (
    <select value={props.value} onChange={(event) => props.onChange(event.currentTarget.value)}>
      <option value="">any</option>
      {values.map((value) => (
        <option key={value} value={value}>
          {value.replace("_", " ")}
        </option>
      ))}
    </select>
  );
}
