import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Redaction } from "./redact.ts";
import { secretForms } from "./secret-forms.ts";

interface Fixture {
  readonly name: string;
  readonly secrets: readonly string[];
  readonly output: string;
  readonly shown: string;
}

const corpus: readonly Fixture[] = JSON.parse(readFileSync(new URL("redact-corpus.json", import.meta.url), "utf8"));

/** What a stream makes of chunks. */
function streamed(secrets: Iterable<string>, chunks: readonly Uint8Array[]): Buffer {
  const stream = new Redaction(secrets).openStream();
  return Buffer.concat([...chunks.map((chunk) => new Uint8Array(stream.push(chunk))), stream.end()]);
}

function split(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  return [...places, bytes.length].map((end, index) => bytes.subarray(places[index - 1] ?? 0, end));
}

describe.each(corpus)("the corpus: $name", ({ secrets, output, shown }) => {
  const bytes = Buffer.from(output);
  const places = Array.from(bytes, (_, at) => at);

  test("is hidden whole, and in two chunks at every place", () => {
    for (const at of places) expect(streamed(secrets, split(bytes, [at])).toString()).toBe(shown);
  });

  test("is hidden in three chunks at every two places, and byte by byte", () => {
    const redaction = new Redaction(secrets);
    for (const first of places) {
      for (const second of places.slice(first)) {
        const stream = redaction.openStream();
        const chunks = split(bytes, [first, second]).map((chunk) => new Uint8Array(stream.push(chunk)));
        if (Buffer.concat([...chunks, stream.end()]).toString() !== shown) expect.fail(`${first}, ${second}`);
      }
    }
    expect(streamed(secrets, split(bytes, places)).toString()).toBe(shown);
  });

  test("is hidden in a text", () => {
    expect(new Redaction(secrets).text(output)).toBe(shown);
  });
});

describe("what a stream keeps back", () => {
  const push = (stream: ReturnType<Redaction["openStream"]>, text: string) =>
    Buffer.from(stream.push(Buffer.from(text))).toString();

  test("is no more than what may be the beginning of a secret, and goes on once it is not", () => {
    const stream = new Redaction(["secret"]).openStream();
    expect(push(stream, "so be it, sec")).toBe("so be it, ");
    expect(push(stream, "on")).toBe("secon");
    expect(push(stream, "d s")).toBe("d ");
    expect(push(stream, "econds\n")).toBe("seconds\n");
    expect(push(stream, "sec")).toBe("");
    expect(Buffer.from(stream.end()).toString()).toBe("sec");
  });

  test("is not the end of a line of colours", () => {
    const stream = new Redaction(["secret"]).openStream();
    const line = "\u001b[32mpasses\u001b[0m\n";
    expect(push(stream, line)).toBe(line);
  });

  test("has a bound although sequences follow without end", () => {
    const stream = new Redaction(["secret"]).openStream();
    const sequences = "\u001b[0m".repeat(1000);
    let given = push(stream, "s").length;
    for (let times = 0; times < 100; times += 1) given += push(stream, sequences).length;
    expect(given).toBeGreaterThan(0);
  });
});

test("a secret that is named while a stream is open is hidden from then on", () => {
  const redaction = new Redaction(["secret"]);
  const stream = redaction.openStream();
  const shown = [stream.push(Buffer.from("token-1 sec"))].map((bytes) => Buffer.from(bytes).toString());
  redaction.hide(["token-1", "secure-1"]);
  shown.push(Buffer.from(stream.push(Buffer.from("ure-1 token-1"))).toString());
  expect(shown).toEqual(["token-1 ", "******** *******"]);
});

test("half a secret at the end of a text is hidden as well: the text may have been cut there", () => {
  const redaction = new Redaction(["a-long-secret"]);
  expect(redaction.text("it is a-long-sec")).toBe("it is **********");
  expect(redaction.text("it is a-lon")).toBe("it is a-lon");
});

test("what is short is not hidden, and no secrets hide nothing", () => {
  expect(new Redaction(["", "short"]).text("short")).toBe("short");
  expect(new Redaction([]).text("anything")).toBe("anything");
});

describe("random output in random chunks is what a plain search makes of the whole", () => {
  // To see one again, put the number of its name here.
  const seed = Date.now() % 2 ** 31;

  test.each(Array.from({ length: 300 }, (_, round) => seed + round))("seed %i", (each) => {
    const random = randomNumbers(each);
    const secrets = Array.from({ length: 1 + random(4) }, () =>
      randomText(random, 6 + random(random(3) === 0 ? 40 : 8), "aab\n"),
    );
    const output = Buffer.concat(Array.from({ length: 60 }, () => randomPiece(random, secrets)));
    const chunks: Uint8Array[] = [];
    for (let at = 0; at < output.length; ) {
      const length = random(4) === 0 ? random(200) : 1 + random(6);
      chunks.push(output.subarray(at, at + length));
      at += length;
    }
    expect(streamed(secrets, chunks)).toEqual(hiddenPlainly(secrets, output));
  });
});

type Random = (below: number) => number;

/** Mulberry32. */
function randomNumbers(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function randomText(random: Random, length: number, letters: string): string {
  return Array.from({ length }, () => letters[random(letters.length)]).join("");
}

/** Noise of the same letters, a form of a secret or part of one, also with colours inside. */
function randomPiece(random: Random, secrets: readonly string[]): Buffer {
  const kind = random(4);
  if (kind === 0) return Buffer.from(randomText(random, random(12), "aab\n%Y6"));
  const forms = secretForms(secrets[random(secrets.length)] ?? "");
  const form = Buffer.from(forms[random(forms.length)] ?? []);
  if (kind === 1) return form.subarray(random(3), form.length - random(3));
  if (kind === 2) return form;
  const at = random(form.length + 1);
  const inside = [sequence, "\n", "\r\n"][random(3)] ?? "";
  return Buffer.concat([form.subarray(0, at), Buffer.from(inside), form.subarray(at)]);
}

/** None of its bytes is part of a secret. */
const sequence = "\u001b[?#~";

/** Looks for each form at each place, with the sequences and without. */
function hiddenPlainly(secrets: readonly string[], output: Buffer): Buffer {
  const shown = Buffer.from(output);
  const places = Array.from(output, (_, at) => at);
  const inSequence = new Set(places.filter((at) => output.indexOf(sequence, at) === at).flatMap((at) => range(at, 5)));
  const bare = places.filter((at) => !inSequence.has(at));
  for (const form of secrets.flatMap(secretForms)) {
    for (const text of [places, bare]) {
      const bytes = text.map((at) => output[at] ?? 0);
      for (const start of bytes.keys()) {
        const end = plainEnd(form, bytes, start);
        for (const at of text.slice(start, end)) if (shown[at] !== 0x0a && shown[at] !== 0x0d) shown[at] = 0x2a;
      }
    }
  }
  return shown;
}

/** Where a form that begins at `start` ends, broken behind 16 bytes or more of it or not at all; `start` when it does not. */
function plainEnd(form: Uint8Array, bytes: readonly number[], start: number): number {
  let at = start;
  let line = 0;
  for (const [index, byte] of form.entries()) {
    if (bytes[at] !== byte && index - line >= 16) {
      at +=
        ["\r\n", "\r", "\n", ""].find((end) => [...Buffer.from(end)].every((each, more) => bytes[at + more] === each))
          ?.length ?? 0;
      line = index;
    }
    if (bytes[at] !== byte) return start;
    at += 1;
  }
  return at;
}

function range(from: number, length: number): number[] {
  return Array.from({ length }, (_, index) => from + index);
}
