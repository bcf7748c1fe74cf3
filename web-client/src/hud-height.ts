import { type ReadonlySignal, signal } from "@preact/signals";
import { stored } from "./ui/storage.ts";

/** How much of the screen the HUD takes. */
export type HudHeight = "rail" | "standard" | "tall";

const order: readonly HudHeight[] = ["rail", "standard", "tall"];
const cell = stored(() => localStorage, "blazecraft.hud");
const height = signal<HudHeight>(order.find((known) => known === cell.read()) ?? "standard");

/** The height the HUD has, remembered from the last visit. */
export const hudHeight: ReadonlySignal<HudHeight> = height;

/** Gives the HUD another height. */
export function setHudHeight(next: HudHeight): void {
  height.value = next;
  cell.write(next);
}

/** Gives the HUD the next height: standard, tall, rail. */
export function cycleHudHeight(): void {
  setHudHeight(order[(order.indexOf(height.peek()) + 1) % order.length] ?? "standard");
}
