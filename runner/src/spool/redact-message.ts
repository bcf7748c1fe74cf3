import { clone, type DescMessage, type MessageShape, ScalarType } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import type { Redaction } from "./redact.ts";

/** A copy of a message with the secrets in its strings and bytes hidden, wherever they are in it. */
export function redactMessage<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  redaction: Redaction,
): MessageShape<Desc> {
  const copy = clone(schema, message);
  hideIn(reflect(schema, copy), redaction);
  return copy;
}

function hideIn(message: ReflectMessage, redaction: Redaction): void {
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    switch (field.fieldKind) {
      case "scalar":
        if (isText(field.scalar)) message.set(field, hidden(message.get(field), redaction));
        break;
      case "message":
        hideIn(message.get(field), redaction);
        break;
      case "list": {
        const list = message.get(field);
        if (field.listKind === "message") for (const item of list) hideIn(item as ReflectMessage, redaction);
        else if (field.listKind === "scalar" && isText(field.scalar)) {
          for (const [index, item] of [...list].entries()) list.set(index, hidden(item, redaction));
        }
        break;
      }
      case "map":
        // Events have none. One that gets a map must decide what becomes of its keys.
        throw new Error(`${field} is a map, in which no secret is looked for`);
      case "enum":
        break;
      default:
        field satisfies never;
    }
  }
}

function isText(scalar: ScalarType): boolean {
  return scalar === ScalarType.STRING || scalar === ScalarType.BYTES;
}

function hidden(value: unknown, redaction: Redaction): unknown {
  if (typeof value === "string") return redaction.text(value);
  return value instanceof Uint8Array ? redaction.bytes(value) : value;
}
