import type { DescEnum } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { invalidField } from "./fields.ts";

/** The query of a URL; parameters that no route knows are refused. */
export class Query {
  readonly #params: URLSearchParams;

  constructor(params: URLSearchParams, known: readonly string[]) {
    const unknown = [...params.keys()].find((name) => !known.includes(name));
    if (unknown !== undefined) throw invalidField(unknown.slice(0, 100), "is not a parameter here");
    this.#params = params;
  }

  text(name: string): string {
    return this.#params.get(name) ?? "";
  }

  /** Every value of a parameter that may come more than once, or as a list with commas. */
  texts(name: string): string[] {
    return this.#params.getAll(name).flatMap((value) => value.split(",").filter((item) => item !== ""));
  }

  /** A whole number, or undefined when it is not given. */
  integer(name: string, { min, max }: { min: number; max: number }): number | undefined {
    const text = this.#params.get(name);
    if (text === null) return undefined;
    const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw invalidField(name, `must be a whole number from ${min} to ${max}`);
  }

  /** 1 or true, 0 or false; undefined when it is not given. */
  flag(name: string): boolean | undefined {
    const text = this.#params.get(name);
    if (text === null) return undefined;
    if (["1", "true", ""].includes(text)) return true;
    if (["0", "false"].includes(text)) return false;
    throw invalidField(name, "must be 1 or 0");
  }

  /** A moment, in RFC 3339. */
  time(name: string): Timestamp | undefined {
    const text = this.#params.get(name);
    if (text === null) return undefined;
    const isTime = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text);
    const ms = isTime ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(ms)) throw invalidField(name, "must be a time such as 2026-01-02T10:00:00Z");
    return timestampFromMs(ms);
  }

  /** A duration such as 30s, 500ms or 1m, in milliseconds. */
  durationMs(name: string, { maxMs }: { maxMs: number }): number | undefined {
    const text = this.#params.get(name);
    if (text === null) return undefined;
    const [, amount, unit = ""] = /^([0-9]{1,7})(ms|s|m)$/.exec(text) ?? [];
    const ms = Number(amount) * (msByUnit[unit] ?? Number.NaN);
    if (ms >= 0 && ms <= maxMs) return ms;
    throw invalidField(name, `must be a duration such as 30s, at most ${maxMs / 1000}s`);
  }

  /** Values of an enum by their lower-case names. */
  enums(name: string, desc: DescEnum): number[] {
    return this.texts(name).map((text) => enumFromText(name, desc, text));
  }
}

const msByUnit: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/** The value of an enum by its lower-case name; its value 0 has none. */
export function enumFromText(name: string, desc: DescEnum, text: string): number {
  const values = desc.values.filter(({ number }) => number !== 0);
  const found = values.find(({ localName }) => localName.toLowerCase() === text);
  if (found !== undefined) return found.number;
  throw invalidField(name, `must be one of ${values.map(({ localName }) => localName.toLowerCase()).join(", ")}`);
}

/** The header that names the next page of a list, if there is one. */
export function linkToNext(url: URL, token: string): Headers {
  if (token === "") return new Headers();
  const next = new URL(url);
  next.searchParams.set("page_token", token);
  return new Headers({ link: `<${next.href}>; rel="next"` });
}
