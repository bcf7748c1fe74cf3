import {
  createRegistry,
  type DescEnum,
  type DescExtension,
  type DescField,
  type DescFile,
  type DescMessage,
  getExtension,
  hasExtension,
  type Message,
  type Registry,
  ScalarType,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { toText } from "@bufbuild/protobuf/txtpb";
import {
  EnumValueOptionsSchema,
  FieldOptionsSchema,
  FileOptionsSchema,
  file_google_protobuf_descriptor,
} from "@bufbuild/protobuf/wkt";

type Printer = { readonly registry: Registry; readonly extensions: readonly DescExtension[] };

/**
 * Prints a file's descriptor as proto2 source, without comments (a descriptor has none) and unformatted. Knows only
 * what buf/validate/validate.proto uses: no maps, groups, services or defaults. Compare what the result compiles to.
 */
export function printProto(file: DescFile): string {
  const printer = { registry: createRegistry(file, file_google_protobuf_descriptor), extensions: file.extensions };
  return [
    'syntax = "proto2";',
    `package ${file.proto.package};`,
    ...file.proto.dependency.map((path) => `import "${path}";`),
    ...optionList(printer, FileOptionsSchema, file.proto.options).map((option) => `option ${option};`),
    ...file.extensions.map((it) => `extend .${it.extendee.typeName} { ${printField(printer, it)} }`),
    ...file.enums.map((it) => printEnum(printer, it)),
    ...file.messages.map((it) => printMessage(printer, it)),
  ].join("\n");
}

function printMessage(printer: Printer, message: DescMessage): string {
  return [
    `message ${message.name} {`,
    ...message.nestedEnums.map((it) => printEnum(printer, it)),
    ...message.nestedMessages.map((it) => printMessage(printer, it)),
    ...message.members.map((member) =>
      member.kind === "oneof"
        ? `oneof ${member.name} { ${member.fields.map((field) => printField(printer, field)).join("\n")} }`
        : printField(printer, member),
    ),
    ...message.proto.extensionRange.map(
      ({ start, end }) => `extensions ${start} to ${end > maxFieldNumber ? "max" : end - 1};`,
    ),
    ...message.proto.reservedRange.map(({ start, end }) => `reserved ${start} to ${end - 1};`),
    ...message.proto.reservedName.map((name) => `reserved "${name}";`),
    "}",
  ].join("\n");
}

const maxFieldNumber = 536_870_911;

function printField(printer: Printer, field: DescField | DescExtension): string {
  const label = field.fieldKind === "list" ? "repeated " : field.oneof ? "" : "optional ";
  const options = bracketed(optionList(printer, FieldOptionsSchema, field.proto.options));
  return `${label}${typeOf(field)} ${field.proto.name} = ${field.number}${options};`;
}

function typeOf(field: DescField | DescExtension): string {
  if (field.message) return `.${field.message.typeName}`;
  if (field.enum) return `.${field.enum.typeName}`;
  return ScalarType[field.scalar].toLowerCase();
}

function printEnum(printer: Printer, type: DescEnum): string {
  return [
    `enum ${type.name} {`,
    ...type.values.map(
      ({ name, number, proto }) =>
        `${name} = ${number}${bracketed(optionList(printer, EnumValueOptionsSchema, proto.options))};`,
    ),
    ...type.proto.reservedRange.map(({ start, end }) => `reserved ${start} to ${end};`),
    ...type.proto.reservedName.map((name) => `reserved "${name}";`),
    "}",
  ].join("\n");
}

/** The options that are set: the built-in ones, then those the file itself declares as extensions of them. */
function optionList(printer: Printer, schema: DescMessage, options: Message | undefined): readonly string[] {
  if (!options) return [];
  const message = reflect(schema, options);
  const builtIn = schema.fields
    .filter((field) => field.fieldKind === "scalar" && message.isSet(field))
    .map((field) => `${field.name} = ${JSON.stringify(message.get(field))}`);
  const own = printer.extensions
    .filter((extension) => extension.extendee.typeName === schema.typeName && hasExtension(options, extension))
    .map((extension) => `(${extension.typeName}) = ${literal(printer, extension, options)}`);
  return [...builtIn, ...own];
}

function literal(printer: Printer, extension: DescExtension, options: Message): string {
  if (extension.fieldKind !== "message") throw new Error(`option ${extension.typeName} is not a message`);
  return `{ ${toText(extension.message, getExtension(options, extension) as Message, { registry: printer.registry })} }`;
}

function bracketed(options: readonly string[]): string {
  return options.length > 0 ? ` [${options.join(", ")}]` : "";
}
