import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { NoticeKind, Settings, SettingsStore } from "./settings.ts";

/** A key that can be changed. */
export interface ChangeableKey {
  readonly action: string;
  readonly key: string;
  readonly title: string;
}

const noticeTitles: Record<NoticeKind, string> = {
  asks: "A job needs me",
  failures: "A job failed",
  ends: "A job ended after more than 30 s",
  runners: "A runner went offline or came back",
};

/** How a person wants the page: looks, keys, notices. Everything is kept in this browser. */
export function SettingsPage(props: {
  readonly settings: SettingsStore;
  readonly keys: readonly ChangeableKey[];
  /** Writes a pressed key as the map does. */
  readonly keyText: (event: KeyboardEvent) => string;
  /** Asks the browser for leave, where it has not been asked, and shows a notice. Answers what came of it. */
  readonly testNotice: () => Promise<string>;
}) {
  const { settings } = props;
  const now = settings.value.value;
  return (
    <section class="sheet settings" aria-labelledby="settings-title">
      <h1 id="settings-title">Settings</h1>
      <Group title="Looks">
        <label class="field">
          <span class="field-label">Theme</span>
          <select
            value={now.theme}
            onChange={(event) => settings.change({ theme: event.currentTarget.value as Settings["theme"] })}
          >
            <option value="system">as the system</option>
            <option value="dark">dark</option>
            <option value="light">light</option>
          </select>
        </label>
        <Switch title="Plain: no frames and corners" field="isPlain" settings={settings} />
        <Switch title="Nothing moves" field="isStill" settings={settings} />
      </Group>
      <Group title="Notices">
        {Object.entries(noticeTitles).map(([kind, title]) => (
          <Check
            key={kind}
            title={title}
            isOn={now.notices[kind as NoticeKind]}
            onChange={(isOn) => settings.change({ notices: { ...now.notices, [kind]: isOn } })}
          />
        ))}
        <Switch title="With a sound" field="hasSounds" settings={settings} />
        <QuietHours settings={settings} />
        <NoticeTest test={props.testNotice} />
      </Group>
      <Group title="Keys">
        <Switch title="Single keys do something" field="hasKeys" settings={settings} />
        <KeyTable settings={settings} keys={props.keys} keyText={props.keyText} />
      </Group>
    </section>
  );
}

function Group({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <fieldset class="setting-group">
      <legend class="plate-title">{title}</legend>
      {children}
    </fieldset>
  );
}

function Switch(props: {
  readonly title: string;
  readonly field: "isPlain" | "isStill" | "hasSounds" | "hasKeys";
  readonly settings: SettingsStore;
}) {
  const { title, field, settings } = props;
  return (
    <Check title={title} isOn={settings.value.value[field]} onChange={(isOn) => settings.change({ [field]: isOn })} />
  );
}

function Check(props: { readonly title: string; readonly isOn: boolean; readonly onChange: (isOn: boolean) => void }) {
  return (
    <label class="check">
      <input type="checkbox" checked={props.isOn} onChange={(event) => props.onChange(event.currentTarget.checked)} />
      {props.title}
    </label>
  );
}

function QuietHours({ settings }: { readonly settings: SettingsStore }) {
  const { quietFrom, quietUntil } = settings.value.value;
  return (
    <p class="row quiet-hours">
      <label class="field">
        <span class="field-label">Quiet from</span>
        <input
          type="time"
          value={quietFrom}
          onChange={(event) => settings.change({ quietFrom: event.currentTarget.value })}
        />
      </label>
      <label class="field">
        <span class="field-label">until</span>
        <input
          type="time"
          value={quietUntil}
          onChange={(event) => settings.change({ quietUntil: event.currentTarget.value })}
        />
      </label>
    </p>
  );
}

function NoticeTest({ test }: { readonly test: () => Promise<string> }) {
  const said = useSignal("");
  return (
    <p class="row">
      <button
        type="button"
        class="button small"
        onClick={async () => {
          said.value = await test();
        }}
      >
        Test
      </button>
      <span role="status">{said.value}</span>
    </p>
  );
}

function KeyTable(props: {
  readonly settings: SettingsStore;
  readonly keys: readonly ChangeableKey[];
  readonly keyText: (event: KeyboardEvent) => string;
}) {
  const { settings, keys, keyText } = props;
  const changing = useSignal<string | undefined>(undefined);
  const choose = (action: string, event: KeyboardEvent) => {
    if (event.key === "Tab" || event.key === "Escape" || ["Shift", "Control", "Alt", "Meta"].includes(event.key))
      return;
    event.preventDefault();
    settings.change({ keys: { ...settings.value.peek().keys, [action]: keyText(event) } });
    changing.value = undefined;
  };
  return (
    <>
      <ul class="key-table">
        {keys.map(({ action, key, title }) => (
          <li key={action} class="key-line">
            <button
              type="button"
              class="button small"
              aria-label={`Key for ${title}: ${changing.value === action ? "press one" : key}`}
              onClick={() => {
                changing.value = action;
              }}
              onBlur={() => {
                changing.value = undefined;
              }}
              onKeyDown={(event) => {
                if (changing.peek() === action) choose(action, event);
              }}
            >
              {changing.value === action ? "…" : key}
            </button>
            {title}
          </li>
        ))}
      </ul>
      <button type="button" class="button small" onClick={() => settings.change({ keys: {} })}>
        The usual keys again
      </button>
    </>
  );
}
