import { effect, type ReadonlySignal, signal } from "@preact/signals";
import { stored, type TextStorage } from "../ui/storage.ts";

/** What a person may be told of while looking elsewhere. */
export const noticeKinds = ["asks", "failures", "ends", "runners"] as const;

/** One of them. */
export type NoticeKind = (typeof noticeKinds)[number];

/** How a person wants the page. */
export interface Settings {
  readonly theme: "system" | "dark" | "light";
  /** Without the frames and signs of the game; nothing else changes. */
  readonly isPlain: boolean;
  /** Nothing moves, whatever the system says. */
  readonly isStill: boolean;
  /** Single keys do something. */
  readonly hasKeys: boolean;
  /** Keys that a person chose, by action. */
  readonly keys: Readonly<Record<string, string>>;
  readonly notices: Readonly<Record<NoticeKind, boolean>>;
  readonly hasSounds: boolean;
  /** "22:00" and "07:00"; both empty without quiet hours. */
  readonly quietFrom: string;
  readonly quietUntil: string;
}

/** The page as it first appears. */
export const freshSettings: Settings = {
  theme: "system",
  isPlain: false,
  isStill: false,
  hasKeys: true,
  keys: {},
  notices: { asks: false, failures: false, ends: false, runners: false },
  hasSounds: false,
  quietFrom: "",
  quietUntil: "",
};

/** The settings, remembered. */
export interface SettingsStore {
  readonly value: ReadonlySignal<Settings>;
  readonly change: (change: Partial<Settings>) => void;
}

/** The settings that a storage remembers. */
export function createSettings(storage: () => TextStorage): SettingsStore {
  const cell = stored(storage, "blazecraft.settings");
  const value = signal(parseSettings(cell.read()));
  return {
    value,
    change: (change) => {
      value.value = { ...value.peek(), ...change };
      cell.write(JSON.stringify(value.peek()));
    },
  };
}

/** The settings that were kept as text; whatever is of another kind is as fresh. */
export function parseSettings(text: string | null): Settings {
  if (!text) return freshSettings;
  try {
    return merge(freshSettings, Object(JSON.parse(text)));
  } catch {
    // Kept by another version of the page, or broken.
    return freshSettings;
  }
}

function merge(fresh: Settings, kept: Record<string, unknown>): Settings {
  const same = Object.entries(fresh).filter(([name, value]) => typeof kept[name] === typeof value && kept[name]);
  const themes: readonly unknown[] = ["system", "dark", "light"];
  return {
    ...fresh,
    ...Object.fromEntries(same.map(([name]) => [name, kept[name]])),
    theme: themes.includes(kept.theme) ? (kept.theme as Settings["theme"]) : fresh.theme,
    hasKeys: kept.hasKeys !== false,
    keys: texts(kept.keys),
    notices: { ...fresh.notices, ...Object(kept.notices) },
  };
}

function texts(kept: unknown): Record<string, string> {
  const entries = Object.entries(Object(kept ?? {}));
  return Object.fromEntries(entries.flatMap(([name, value]) => (typeof value === "string" ? [[name, value]] : [])));
}

/** Shows the page as the settings say, now and whenever they change. */
export function applySettings({ value }: SettingsStore, root: HTMLElement): void {
  effect(() => {
    const { theme, isPlain, isStill } = value.value;
    root.dataset.theme = theme;
    root.toggleAttribute("data-plain", isPlain);
    root.toggleAttribute("data-still", isStill);
  });
}
