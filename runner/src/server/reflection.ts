import { type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import type { ServerReflectionRequest } from "#gen/grpc/reflection/v1/reflection_pb.js";
import type { ServerReflectionRequest as AlphaRequest } from "#gen/grpc/reflection/v1alpha/reflection_pb.js";

/** Answers questions about services and their types, in the words of both versions of gRPC server reflection. */
export class Reflection {
  readonly #services: readonly DescService[];
  readonly #files: ReadonlyMap<string, DescFile>;

  constructor(services: readonly DescService[]) {
    this.#services = services;
    this.#files = new Map(services.flatMap(({ file }) => withDependencies(file)).map((file) => [fileName(file), file]));
  }

  /** Implements ServerReflectionInfo of v1 and v1alpha alike. */
  async *answer<Request extends ServerReflectionRequest | AlphaRequest>(requests: AsyncIterable<Request>) {
    for await (const request of requests) {
      yield { validHost: request.host, originalRequest: request, messageResponse: this.#answerOne(request) };
    }
  }

  #answerOne({ messageRequest }: ServerReflectionRequest | AlphaRequest) {
    switch (messageRequest.case) {
      case "listServices": {
        const service = this.#services.map(({ typeName }) => ({ name: typeName }));
        return { case: "listServicesResponse" as const, value: { service } };
      }
      case "fileByFilename":
        return answerFile(this.#files.get(messageRequest.value), messageRequest.value);
      case "fileContainingSymbol":
        return answerFile(this.#fileOf(messageRequest.value), messageRequest.value);
      default:
        return answerError(Code.Unimplemented, "the contract has no extensions");
    }
  }

  #fileOf(symbol: string): DescFile | undefined {
    return [...this.#files.values()].find((file) => definesSymbol(file, symbol));
  }
}

function definesSymbol({ proto }: DescFile, symbol: string): boolean {
  const inPackage = (name: string) => (proto.package === "" ? name : `${proto.package}.${name}`);
  const defined = [...proto.messageType, ...proto.enumType, ...proto.service].map(({ name }) => inPackage(name));
  return defined.some((name) => symbol === name || symbol.startsWith(`${name}.`));
}

function answerFile(file: DescFile | undefined, asked: string) {
  if (file === undefined) return answerError(Code.NotFound, `${asked} is not part of the contract`);
  const fileDescriptorProto = withDependencies(file).map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  return { case: "fileDescriptorResponse" as const, value: { fileDescriptorProto } };
}

function answerError(errorCode: Code, errorMessage: string) {
  return { case: "errorResponse" as const, value: { errorCode, errorMessage } };
}

/** The file and all that it imports, each once, the file first. */
function withDependencies(file: DescFile): DescFile[] {
  return [...new Set([file, ...file.dependencies.flatMap(withDependencies)])];
}

function fileName({ proto }: DescFile): string {
  return proto.name;
}
