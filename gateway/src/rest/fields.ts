import { Code, type ConnectError } from "@connectrpc/connect";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";
import type { JsonFields } from "./body.ts";

/** The fields of a JSON object, each read once and checked for its type; null counts as absent. */
export class Fields {
  readonly #values: JsonFields;
  readonly #read = new Set<string>();

  constructor(values: JsonFields) {
    this.#values = values;
  }

  string(name: string): string | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    return toText(value, name);
  }

  requiredString(name: string): string {
    const value = this.string(name);
    if (value === undefined) throw invalidField(name, "is missing");
    return value;
  }

  strings(name: string): string[] | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw invalidField(name, "must be a list of strings");
    return value.map((item: unknown, index) => toText(item, `${name}[${index}]`));
  }

  /** A list whose items are strings or lists of strings. */
  stringLists(name: string): string[][] | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw invalidField(name, "must be a list");
    return value.map((item: unknown, index) => {
      const items: readonly unknown[] = Array.isArray(item) ? item : [item];
      return items.map((text) => toText(text, `${name}[${index}]`));
    });
  }

  /** A JSON object, as the text of it. */
  objectText(name: string): string | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return JSON.stringify(value);
    throw invalidField(name, "must be an object");
  }

  texts(name: string): Record<string, string> | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw invalidField(name, "must be an object of strings");
    }
    const entries = Object.entries(value).map(([key, item]) => [plainKey(key, name), toText(item, `${name}.${key}`)]);
    return Object.fromEntries(entries);
  }

  /** A list of objects; the fields of each are read by their whole path, such as "attachments[0].name". */
  objects<Value>(name: string, read: (fields: Fields, path: string) => Value): Value[] | undefined {
    const value = this.#take(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value)) throw invalidField(name, "must be a list of objects");
    return value.map((item: unknown, index) => {
      const path = `${name}[${index}]`;
      if (typeof item !== "object" || item === null) throw invalidField(path, "must be an object");
      const fields = new Fields(Object.fromEntries(Object.entries(item).map(([key, one]) => [`${path}.${key}`, one])));
      const result = read(fields, path);
      fields.refuseOthers();
      return result;
    });
  }

  boolean(name: string): boolean | undefined {
    const value = this.#take(name);
    if (value === undefined || typeof value === "boolean") return value;
    throw invalidField(name, "must be true or false");
  }

  /** A whole number between two others. */
  integer(name: string, { min, max }: { min: number; max: number }): number | undefined {
    const value = this.number(name);
    if (value === undefined || (Number.isInteger(value) && value >= min && value <= max)) return value;
    throw invalidField(name, `must be a whole number from ${min} to ${max}`);
  }

  /** A number, whole or not. */
  number(name: string): number | undefined {
    const value = this.#take(name);
    if (value === undefined || (typeof value === "number" && Number.isFinite(value))) return value;
    throw invalidField(name, "must be a number");
  }

  /** Throws an error that names the first field nobody has read. */
  refuseOthers(): void {
    const unknown = Object.keys(this.#values).find((name) => !this.#read.has(name));
    if (unknown === undefined) return;
    throw problemError({
      code: Code.InvalidArgument,
      reason: ProblemReason.MALFORMED_REQUEST,
      field: unknown,
      message: `field "${unknown.slice(0, 100)}" is unknown here`,
      action: `Leave ${unknown.slice(0, 100)} out, or correct its name.`,
    });
  }

  #take(name: string): unknown {
    this.#read.add(name);
    return Object.hasOwn(this.#values, name) ? (this.#values[name] ?? undefined) : undefined;
  }
}

/** The error for a field that is not what it should be. */
export function invalidField(name: string, what: string): ConnectError {
  return problemError({
    code: Code.InvalidArgument,
    reason: ProblemReason.INVALID_FIELD,
    field: name,
    message: `${name} ${what}`,
    action: `Correct ${name} and send the request again.`,
  });
}

function toText(value: unknown, name: string): string {
  if (typeof value !== "string") throw invalidField(name, "must be a string");
  if (!value.isWellFormed()) throw invalidField(name, "holds half of a surrogate pair");
  return value;
}

function plainKey(key: string, name: string): string {
  if (key in Object.prototype) throw invalidField(name, `must not have the key "${key}"`);
  return key;
}
