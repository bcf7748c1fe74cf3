import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { base64Decode, base64Encode } from "@bufbuild/protobuf/wire";
import { type DescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { Plugin } from "vite";

/**
 * Leaves the validation rules out of the descriptors that the page carries: they are a third of them, and are checked at
 * the gateway.
 */
export function stripRules(): Plugin {
  return {
    name: "strip-rules",
    transform: {
      filter: { id: /\/gen\/.*_pb\.js$/ },
      handler: (code) => code.replace(/fileDesc\("([^"]+)"/, (_, packed: string) => `fileDesc("${strip(packed)}"`),
    },
  };
}

function strip(packed: string): string {
  const file = fromBinary(FileDescriptorProtoSchema, base64Decode(packed));
  for (const message of file.messageType) stripMessage(message);
  return base64Encode(toBinary(FileDescriptorProtoSchema, file), "std_raw");
}

/** The rules are extensions, which this reader of descriptors knows as unknown fields. */
function stripMessage(message: DescriptorProto): void {
  for (const { options } of [message, ...message.field, ...message.oneofDecl]) delete options?.$unknown;
  for (const nested of message.nestedType) stripMessage(nested);
}
