import type { Settings } from "../settings/settings.ts";
import { withMarks } from "../ui/visible-marks.ts";
import type { Notice } from "./notices.ts";
import { isQuiet } from "./quiet-hours.ts";
import { playSound } from "./sound.ts";
import type { Toasts } from "./toasts.ts";

/** What a notifier needs from the page. */
export interface NotifierPorts {
  readonly settings: () => Settings;
  readonly toasts: Toasts;
  /** The job on screen. */
  readonly selectedId: () => string | undefined;
  readonly go: (path: string) => void;
}

/** Brings a notice before a person: a toast on the page, a notification of the system where it was asked for. */
export function createNotifier(ports: NotifierPorts): (notice: Notice) => void {
  return (notice) => {
    const isLookedAt = document.visibilityState === "visible" && document.hasFocus();
    if (isLookedAt && notice.jobId !== undefined && notice.jobId === ports.selectedId()) return;
    const { title: text, path } = notice;
    ports.toasts.show({ text, path, tone: tones[notice.kind] });
    const { notices, hasSounds, quietFrom: from, quietUntil: until } = ports.settings();
    if (!notices[notice.kind] || isQuiet(new Date(), { from, until })) return;
    if (hasSounds) playSound(notice.kind);
    if (isLookedAt || !("Notification" in window) || Notification.permission !== "granted") return;
    notify(notice, ports.go);
  };
}

const tones = { asks: "ask", failures: "bad", ends: "ok", runners: "off" } as const;

/** Asks the browser for leave and shows a notification, so that a person knows what one looks like. */
export async function testNotification(): Promise<string> {
  if (!("Notification" in window)) return "This browser has no notifications.";
  const leave = await Notification.requestPermission();
  if (leave !== "granted") return "The browser does not allow notifications of this page; its settings can.";
  notify({ title: "BlazeCraft", text: "This is what a notice looks like.", path: location.pathname }, () => {});
  return "Sent. If nothing shows, the system holds it back.";
}

function notify({ title, text, path }: Pick<Notice, "title" | "text" | "path">, go: (path: string) => void): void {
  const notification = new Notification(withMarks(title), { body: withMarks(text), tag: path, icon: "/favicon.svg" });
  notification.onclick = () => {
    window.focus();
    go(path);
    notification.close();
  };
}
