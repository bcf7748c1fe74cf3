/**
 * An object of JSON whose shape is not ours to fix. A field that is absent or of another type reads as empty, so that a
 * line still tells what it can after its program has changed.
 */
export class JsonObject {
  /** As they came. */
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(fields: Readonly<Record<string, unknown>>) {
    this.fields = fields;
  }

  text(name: string): string {
    const value = this.fields[name];
    return typeof value === "string" ? value : "";
  }

  /** A whole number that fits 32 bits. */
  count(name: string): number {
    return Math.min(Math.round(this.amount(name)), 2 ** 32 - 1);
  }

  /** A number from 0 on. */
  amount(name: string): number {
    const value = this.fields[name];
    return typeof value === "number" && value > 0 ? Math.min(value, Number.MAX_SAFE_INTEGER) : 0;
  }

  /** A whole number of at most 31 bits and a sign. */
  optionalInteger(name: string): number | undefined {
    const value = this.fields[name];
    return typeof value === "number" && value === (value | 0) ? value : undefined;
  }

  flag(name: string): boolean {
    return this.fields[name] === true;
  }

  object(name: string): JsonObject {
    return toJsonObject(this.fields[name]) ?? new JsonObject({});
  }

  /** Members of an array that are objects. */
  objects(name: string): readonly JsonObject[] {
    return this.#array(name).flatMap((value) => toJsonObject(value) ?? []);
  }

  /** Members of an array that are strings. */
  texts(name: string): readonly string[] {
    return this.#array(name).filter((value) => typeof value === "string");
  }

  /** Values of the fields that are objects. */
  children(): readonly JsonObject[] {
    return Object.values(this.fields).flatMap((value) => toJsonObject(value) ?? []);
  }

  toJSON(): unknown {
    return this.fields;
  }

  #array(name: string): readonly unknown[] {
    const value = this.fields[name];
    return Array.isArray(value) ? value : [];
  }
}

/** The object that a line of JSON holds; undefined when it is none. */
export function parseJsonObject(line: string): JsonObject | undefined {
  try {
    return toJsonObject(JSON.parse(line));
  } catch {
    // Not JSON.
    return undefined;
  }
}

function toJsonObject(value: unknown): JsonObject | undefined {
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? new JsonObject(value as Record<string, unknown>) : undefined;
}
