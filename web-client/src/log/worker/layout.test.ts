import { expect, test } from "vitest";
import { layOut, type Stretch } from "./layout.ts";
import { placeBehind, Sequence } from "./sequence.ts";

test("rows are the chosen items in order, whatever is hidden", () => {
  const random = seeded(7);
  for (let round = 0; round < 200; round++) {
    const { sequence, items } = randomSequence(random);
    const stretches = randomStretches(random, sequence);
    for (const kind of ["without", "only"] as const) {
      const isIn = (item: number) =>
        stretches.some(({ from, to }) => sequence.placeOf(item) >= from && sequence.placeOf(item) <= to);
      const expected = items.filter((item) => isIn(item) === (kind === "only"));
      const layout = layOut(sequence, { kind, stretches }, { first: 0, count: 0 });
      expect(Array.from({ length: layout.rowCount }, (_, row) => layout.itemAt(row))).toEqual(expected);
      for (const item of items) {
        const above = expected.filter((other) => sequence.placeOf(other) <= sequence.placeOf(item));
        expect(layout.rowOf(item)).toBe(above.length - 1);
      }
    }
  }
});

test("a line that is taken out leaves the others in place, and can come back", () => {
  const sequence = new Sequence();
  for (const line of [1, 2, 3, 5]) sequence.addLine(line);
  sequence.removeLine(2);
  sequence.removeLine(4);
  expect([1, 2, 3, 4, 5].map((line) => sequence.has(line))).toEqual([true, false, true, false, true]);
  for (const line of [4, 4, 1]) sequence.addLine(line);
  expect(layOut(sequence, { kind: "without", stretches: [] }, { first: 6, count: 2 }).rowCount).toBe(6);
  expect(sequence.has(4)).toBe(true);
});

function randomSequence(random: () => number) {
  const sequence = new Sequence();
  const items: number[] = [];
  let line = 0;
  while (items.length < 40) {
    if (random() < 0.2) items.push(sequence.addNote(line));
    else {
      line += random() < 0.1 ? 3 : 1;
      sequence.addLine(line);
      items.push(line);
    }
  }
  return { sequence, items };
}

function randomStretches(random: () => number, sequence: Sequence): readonly Stretch[] {
  const stretches: Stretch[] = [];
  for (let line = Math.floor(random() * 6); line < 60; line += 2 + Math.floor(random() * 9)) {
    const last = line + Math.floor(random() * 3);
    stretches.push({ from: sequence.placeOf(line) + (random() < 0.5 ? 1 : 0), to: placeBehind(last) });
    line = last;
  }
  return stretches;
}

function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}
