import type { LogReading } from "./log-reading.ts";

/** What keys do in a log that has the focus, beside reading it. */
export interface LogKeyActions {
  readonly link: (line: number) => void;
  readonly toggleFullScreen: () => void;
}

/** Does what a key stands for; false when it stands for nothing here. */
export function pressKey(event: KeyboardEvent, reading: LogReading, actions: LogKeyActions): boolean {
  const isFind = event.key === "f" && (event.ctrlKey || event.metaKey);
  if (isFind) reading.openPrompt("search");
  if (isFind || event.ctrlKey || event.metaKey || event.altKey) return isFind;
  if (reading.prompt.peek() !== "none" && isOnTheWay(event.target) && event.key.length === 1) {
    reading.typeAhead(event.key);
    return true;
  }
  const press = keys[event.key.length === 1 && event.shiftKey ? `Shift+${event.key.toUpperCase()}` : event.key];
  press?.(reading, actions);
  return press !== undefined;
}

/** True while the prompt that was asked for has no field yet: what is typed now is meant for it. */
function isOnTheWay(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(".log")?.querySelector(".log-field") === null;
}

const keys: Readonly<Record<string, (reading: LogReading, actions: LogKeyActions) => void>> = {
  "/": (reading) => reading.openPrompt("search"),
  // Where "/" and ":" need Shift.
  "Shift+/": (reading) => reading.openPrompt("search"),
  ":": (reading) => reading.openPrompt("line"),
  "Shift+:": (reading) => reading.openPrompt("line"),
  n: (reading) => void reading.step("match", 1),
  "Shift+N": (reading) => void reading.step("match", -1),
  e: (reading) => void reading.step("error", 1),
  "Shift+E": (reading) => void reading.step("error", -1),
  "]": (reading) => void reading.step("group", 1),
  "[": (reading) => void reading.step("group", -1),
  f: (reading) => reading.window.follow(),
  End: (reading) => reading.window.follow(),
  Home: (reading) => reading.window.toStart(),
  w: (reading) => reading.window.setWrapped(!reading.window.isWrapped.peek()),
  z: (reading) => reading.foldAll(),
  "Shift+T": (reading) => reading.cycleTime(),
  y: (reading, { link }) => link(reading.current.peek() > 0 ? reading.current.peek() : reading.window.lineInView),
  "Shift+F": (_, { toggleFullScreen }) => toggleFullScreen(),
};
