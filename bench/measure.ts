/** The middle of several measurements, and how far they lie apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/**
 * Measures several things in turns, A B C A B C …, so that whatever else the machine does meets all of them. The first
 * round is not counted. Sample n of one belongs to the same round as sample n of the others.
 */
export async function alternate<Sample>(
  rounds: number,
  measures: Readonly<Record<string, () => Promise<Sample>>>,
): Promise<Samples<Sample>> {
  const samples = new Map<string, Sample[]>(Object.keys(measures).map((name) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, measure] of Object.entries(measures)) {
      const sample = await measure();
      if (round > 0) samples.get(name)?.push(sample);
    }
  }
  return samples;
}

/** What was measured, by name, in the order of rounds. */
export type Samples<Sample> = ReadonlyMap<string, readonly Sample[]>;

/** One number of each of a thing's samples. */
export function values<Sample>(samples: Samples<Sample>, name: string, value: (sample: Sample) => number): number[] {
  return (samples.get(name) ?? []).map(value);
}

/** One over the other, round by round. */
export function ratios(over: readonly number[], under: readonly number[]): number[] {
  return over.map((value, round) => value / (under[round] ?? Number.NaN));
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((one, other) => one - other);
  return { median: quantile(sorted, 0.5), min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

/** The value below which this share of the sorted values lies. */
export function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}
