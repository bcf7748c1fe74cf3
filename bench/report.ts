import { mkdir, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import type { Row } from "./figure.ts";

/** A figure with what was measured for it. */
export interface Measured {
  readonly id: string;
  readonly title: string;
  readonly rows: readonly Row[];
}

/** The lines of a figure's table. */
export function formatTable({ id, title, rows }: Measured): readonly string[] {
  const lines = rows.map(formatRow);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  const table = lines.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  return ["", `${id}  ${title}`, ...table];
}

/** Writes the figures as JSON into a folder; returns the path of the file. */
export async function writeResults(folder: string, figures: readonly Measured[], now: Date): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${now.toISOString().replaceAll(":", "-").slice(0, 19)}.json`);
  const machine = { cores: cpus().length, cpu: cpus()[0]?.model, node: process.version };
  await writeFile(path, `${JSON.stringify({ time: now, machine, figures }, null, 2)}\n`);
  return path;
}

function formatRow({ what, value, unit, goal }: Row): string[] {
  const range = `[${formatNumber(value.min)} ${formatNumber(value.max)}]`;
  const verdict = goal === undefined ? "" : `${goal.text} ${goal.met ? "met" : "MISSED"}`;
  return ["  ", what, `${formatNumber(value.median)} ${unit}`.trim(), range, verdict];
}

function formatNumber(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
