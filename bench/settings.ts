import { parseArgs } from "node:util";

/** What the benchmark was asked to do. */
export interface Settings {
  /** Measured rounds; one more comes first and is not counted. */
  readonly rounds: number;
  /** Figures to measure, such as "G4"; empty for all. */
  readonly only: readonly string[];
  /** Factor on the size of the jobs. */
  readonly scale: number;
}

/** Reads the arguments: `--pairs 5`, `--only G2,G4`, `--quick`. Throws one error that says what is wrong. */
export function parseSettings(args: readonly string[]): Settings {
  const { values } = parseArgs({
    args: [...args],
    options: { pairs: { type: "string" }, only: { type: "string" }, quick: { type: "boolean", default: false } },
  });
  const rounds = Number(values.pairs ?? (values.quick ? "1" : "5"));
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 100) {
    throw new Error(`--pairs is "${values.pairs}", not a whole number from 1 to 100`);
  }
  return {
    rounds,
    only: values.only?.split(",").map((name) => name.trim().toUpperCase()) ?? [],
    scale: values.quick ? 0.1 : 1,
  };
}
