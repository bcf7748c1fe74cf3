import { type ReadonlySignal, signal } from "@preact/signals";
import { stored, type TextStorage } from "./ui/storage.ts";

/** How much of the screen the HUD takes. */
export type HudHeight = "rail" | "standard" | "tall";

/** Every height, the lowest first. */
export const hudHeights: readonly HudHeight[] = ["rail", "standard", "tall"];

/** The height the HUD has, remembered from the last visit. */
export interface HudHeightChoice {
  readonly value: ReadonlySignal<HudHeight>;
  readonly set: (next: HudHeight) => void;
  /** Gives the HUD the next height: standard, tall, rail. */
  readonly cycle: () => void;
}

/** The height that a storage remembers. */
export function createHudHeight(storage: () => TextStorage): HudHeightChoice {
  const cell = stored(storage, "blazecraft.hud");
  const value = signal<HudHeight>(hudHeights.find((known) => known === cell.read()) ?? "standard");
  const set = (next: HudHeight) => {
    value.value = next;
    cell.write(next);
  };
  return {
    value,
    set,
    cycle: () => set(hudHeights[(hudHeights.indexOf(value.peek()) + 1) % hudHeights.length] ?? "standard"),
  };
}
