// Renews third_party/ from npm packages: `node scripts/vendor-protos.ts`, then review the diff and run `npm run generate`.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { equals, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { file_buf_validate_validate } from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { printProto } from "./print-proto.ts";

const root = join(import.meta.dirname, "..");
const thirdParty = join(root, "third_party");

/** By package: each proto's path inside it, and inside third_party/. */
const sources: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "grpc-health-check@2.1.0": {
    "proto/health/v1/health.proto": "grpc/health/v1/health.proto",
  },
  "@grpc/reflection@1.0.4": {
    "build/proto/grpc/reflection/v1/reflection.proto": "grpc/reflection/v1/reflection.proto",
    "build/proto/grpc/reflection/v1alpha/reflection.proto": "grpc/reflection/v1alpha/reflection.proto",
  },
};

const validateHeader = `// Copyright 2024-2026 Buf Technologies, Inc. Licensed under the Apache License, Version 2.0.
// Printed by scripts/vendor-protos.ts from the descriptor in the npm package @bufbuild/protovalidate.
`;

const scratch = mkdtempSync(join(tmpdir(), "vendor-protos-"));
try {
  rmSync(thirdParty, { recursive: true, force: true });
  for (const [spec, files] of Object.entries(sources)) copyFromPackage(spec, files);
  printValidateProto();
} finally {
  rmSync(scratch, { recursive: true });
}

function copyFromPackage(spec: string, files: Readonly<Record<string, string>>): void {
  const packed = run("npm", "pack", "--silent", "--pack-destination", scratch, spec).trim();
  const unpacked = mkdtempSync(join(scratch, "package-"));
  run("tar", "-xzf", join(scratch, packed), "-C", unpacked, "--strip-components=1");
  for (const [from, to] of Object.entries(files)) {
    mkdirSync(dirname(join(thirdParty, to)), { recursive: true });
    cpSync(join(unpacked, from), join(thirdParty, to));
  }
}

/** No package carries buf/validate/validate.proto as source, so it is printed from the descriptor we validate with. */
function printValidateProto(): void {
  const path = join(thirdParty, "buf/validate/validate.proto");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${validateHeader}\n${printProto(file_buf_validate_validate)}\n`);
  run("buf", "format", "-w", thirdParty, "--path", path);

  const image = join(scratch, "validate.binpb");
  run("buf", "build", thirdParty, "--path", path, "--exclude-imports", "--exclude-source-info", "-o", image);
  const [compiled] = fromBinary(FileDescriptorSetSchema, readFileSync(image)).file;
  if (!compiled || !equals(FileDescriptorProtoSchema, compiled, file_buf_validate_validate.proto)) {
    throw new Error("validate.proto compiles to another descriptor than the one it was printed from");
  }
}

function run(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { cwd: root, encoding: "utf8" });
}
