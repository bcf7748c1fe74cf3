/** Where a key does something: anywhere, on the selected job, or in the log that has focus. */
export type KeyScope = "global" | "job" | "log";

/** A key and what it does. */
export interface KeyBinding {
  readonly action: string;
  /** As people write it: "S", "Shift+Y", "Ctrl+K". Ctrl is ⌘ on a Mac. */
  readonly key: string;
  readonly title: string;
  readonly scope: KeyScope;
}

const bind = (scope: KeyScope) => (action: string, key: string, title: string) => ({ action, key, title, scope });
const anywhere = bind("global");
const onJob = bind("job");
const inLog = bind("log");

/** Every key of the page, in one place. What `?` shows and what Settings can change is this. */
export const keyMap: readonly KeyBinding[] = [
  anywhere("palette", "Ctrl+K", "Command palette: jobs, runners, actions"),
  anywhere("help", "?", "Keys"),
  anywhere("next-ask", "Space", "Next thing that needs you"),
  anywhere("new", "C", "New job"),
  anywhere("next-job", "J", "Next job"),
  anywhere("previous-job", "K", "Previous job"),
  anywhere("select", "X", "Select the job, for several at once"),
  anywhere("report", "B", "Battle report: how everything stands, in two sentences"),
  anywhere("hud", "H", "Height of the HUD"),
  onJob("stop", "S", "Stop; asks once"),
  onJob("retry", "R", "Retry"),
  onJob("transcript", "T", "Transcript"),
  onJob("log", "L", "Log"),
  onJob("diff", "D", "Diff"),
  onJob("timeline", "G", "Timeline"),
  onJob("details", "I", "Details"),
  onJob("message", "M", "Message to its agent"),
  onJob("link", "Y", "Copy its link"),
  onJob("cli", "Shift+Y", "Copy as a command"),
  inLog("log.search", "/", "Search"),
  inLog("log.next-match", "N", "Next match"),
  inLog("log.previous-match", "Shift+N", "Previous match"),
  inLog("log.follow", "F", "Follow the end"),
  inLog("log.next-error", "E", "Next error"),
  inLog("log.wrap", "W", "Wrap lines"),
  inLog("log.fold", "Z", "Fold all groups"),
  inLog("log.previous-group", "[", "Previous group"),
  inLog("log.next-group", "]", "Next group"),
  inLog("log.line", ":", "Go to a line"),
  inLog("log.permalink", "Y", "Copy the link of the line"),
  inLog("log.times", "Shift+T", "Kind of timestamps"),
];

/** Digits recall a group of jobs; with Shift they store the selected ones as it. */
export const groupKeys = { recall: "1…9", store: "Shift+1…9" };

/** The keys in force: those of the map, or those a person chose instead. */
export function keysInForce(chosen: Readonly<Record<string, string>>): readonly KeyBinding[] {
  return keyMap.map((binding) => ({ ...binding, key: chosen[binding.action] || binding.key }));
}

/** What a person pressed, as the map writes it. */
export function keyText(
  event: Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">,
): string {
  const digit = /^Digit(\d)$/.exec(event.code)?.[1];
  const name = event.key === " " ? "Space" : (event.shiftKey && digit) || event.key;
  const isLetter = name.length === 1 && name.toLowerCase() !== name.toUpperCase();
  const hasShift = event.shiftKey && (isLetter || digit !== undefined || name.length > 1);
  const modifiers = [
    event.ctrlKey || event.metaKey ? "Ctrl+" : "",
    event.altKey ? "Alt+" : "",
    hasShift ? "Shift+" : "",
  ];
  return `${modifiers.join("")}${isLetter ? name.toUpperCase() : name}`;
}
