/** JSON of others: what is absent or of another type reads as empty. */
export class JsonFields {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    this.#fields = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  }

  text(name: string): string {
    const value = this.#fields[name];
    return typeof value === "string" ? value : "";
  }

  /** A whole number from 0 on. */
  count(name: string): number {
    const value = this.#fields[name];
    return typeof value === "number" && value > 0 ? Math.min(Math.round(value), maxCount) : 0;
  }

  flag(name: string): boolean {
    return this.#fields[name] === true;
  }

  object(name: string): JsonFields {
    return new JsonFields(this.#fields[name]);
  }
}

/** Far beyond any count of tokens, and little enough to be multiplied. */
const maxCount = 2 ** 40;

/** The value of a JSON text; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON.
    return undefined;
  }
}
