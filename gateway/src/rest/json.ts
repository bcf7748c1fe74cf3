/**
 * Messages as the JSON of the REST routes: snake_case names, lower-case enums, times in RFC 3339 with milliseconds,
 * durations in milliseconds, null for what is absent.
 */
import { type DescEnum, type DescField, type DescMessage, type MessageShape, ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { type Duration, durationMs, type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";

/** What a JSON text can hold. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

/** An object of a JSON text. */
export interface JsonObject {
  readonly [name: string]: Json;
}

/** Names that differ from those in the contract by more than their case. */
const renamed: Readonly<Record<string, string>> = {
  create_time: "created_at",
  start_time: "started_at",
  end_time: "finished_at",
  expire_time: "expires_at",
  decide_time: "decided_at",
  last_seen_time: "last_seen_at",
  time: "ts",
};

/** A message with all that is in it. Members of a oneof that are not set are left out. */
export function toJson<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): JsonObject {
  return reflectedToJson(reflect(schema, message));
}

/** A time, or null. */
export function timeToJson(time: Timestamp | undefined): string | null {
  return time === undefined ? null : timestampDate(time).toISOString();
}

/** A duration in milliseconds, or null. */
export function durationToJson(duration: Duration | undefined): number | null {
  return duration === undefined ? null : durationMs(duration);
}

/** The name of an enum's value without its prefix, in lower case; null for the value 0. */
export function enumToJson(desc: DescEnum, value: number): string | null {
  if (value === 0) return null;
  return desc.value[value]?.localName.toLowerCase() ?? String(value);
}

/** An amount in millionths of a dollar, as dollars. */
export function microsToUsd(micros: bigint): number {
  return Number(micros) / 1_000_000;
}

function reflectedToJson(message: ReflectMessage): JsonObject {
  const fields = message.fields.filter((field) => field.oneof === undefined || message.isSet(field));
  return Object.fromEntries(fields.flatMap((field) => fieldToJson(message, field)));
}

function fieldToJson(message: ReflectMessage, field: DescField): readonly (readonly [string, Json])[] {
  const name = renamed[field.name] ?? field.name;
  switch (field.fieldKind) {
    case "scalar": {
      const isAbsent = field.proto.proto3Optional && !message.isSet(field);
      const value = message.get(field);
      const json = isAbsent ? null : scalarToJson(field, value);
      const isMoney = name.endsWith("_micros") && typeof value === "bigint";
      return isMoney
        ? [
            [name, json],
            [name.replace("_micros", "_usd"), microsToUsd(value)],
          ]
        : [[name, json]];
    }
    case "enum":
      return [[name, enumToJson(field.enum, message.get(field))]];
    case "message":
      return [messageFieldToJson(name, field.message, message.isSet(field) ? message.get(field) : undefined)];
    case "list": {
      const items = [...message.get(field)];
      return [[name, items.map((item) => itemToJson(field, item))]];
    }
    case "map":
      return [[name, Object.fromEntries([...message.get(field)].map(([key, item]) => [String(key), String(item)]))]];
  }
}

function messageFieldToJson(name: string, desc: DescMessage, value: ReflectMessage | undefined): [string, Json] {
  if (desc.typeName === "google.protobuf.Duration") {
    return [`${name}_ms`, value === undefined ? null : durationMs(value.message as Duration)];
  }
  if (value === undefined) return [name, null];
  if (desc.typeName === "google.protobuf.Timestamp") return [name, timeToJson(value.message as Timestamp)];
  return [name, reflectedToJson(value)];
}

function itemToJson(field: DescField & { fieldKind: "list" }, item: unknown): Json {
  if (field.listKind === "message") return reflectedToJson(item as ReflectMessage);
  if (field.listKind === "enum") return enumToJson(field.enum, item as number);
  return scalarToJson(field, item);
}

function scalarToJson(field: { name: string; scalar: ScalarType }, value: unknown): Json {
  if (typeof value === "bigint") return Number(value);
  if (field.scalar !== ScalarType.BYTES) return value as string | number | boolean;
  const bytes = value as Uint8Array;
  return field.name.endsWith("sha256") ? bytesToHex(bytes) : new TextDecoder().decode(bytes);
}

function bytesToHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
