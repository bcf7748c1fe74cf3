import { timingSafeEqual } from "node:crypto";
import { createServer, type Http2Server } from "node:http2";
import { Code, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import type { Logger } from "pino";
import { Health } from "#gen/grpc/health/v1/health_pb.js";
import { ServerReflection } from "#gen/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as AlphaReflection } from "#gen/grpc/reflection/v1alpha/reflection_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { RunnerService } from "#gen/runner/v1/runner_service_pb.js";
import { problemError } from "#protocol/problem.ts";
import { rpcInterceptors } from "../rpc-interceptors.ts";
import { health } from "./health.ts";
import { maxBodyBytes } from "./read-body.ts";
import { Reflection } from "./reflection.ts";

/** What the loopback listener serves. */
export interface GrpcServerOptions {
  readonly routes: (router: ConnectRouter) => void;
  /** What callers of RunnerService must show; a person's tool cannot sign. */
  readonly token: string;
  readonly logger: Logger;
}

/**
 * An HTTP/2 server without TLS, for a person on the machine: the same service over gRPC, gRPC-Web and Connect, with
 * health and reflection, so that `buf curl` and grpcurl need no schema.
 */
export function createGrpcServer({ routes, token, logger }: GrpcServerOptions): Http2Server {
  const reflection = new Reflection([RunnerService, Health, ServerReflection, AlphaReflection]);
  const adapter = connectNodeAdapter({
    routes(router) {
      routes(router);
      router.service(Health, health);
      router.service(ServerReflection, { serverReflectionInfo: (requests) => reflection.answer(requests) });
      router.service(AlphaReflection, { serverReflectionInfo: (requests) => reflection.answer(requests) });
    },
    readMaxBytes: maxBodyBytes,
    acceptCompression: [],
    interceptors: rpcInterceptors(logger),
    requestGate: (context) => checkToken(context, token),
  });
  return createServer(adapter);
}

function checkToken({ service, requestHeader }: HandlerContext, token: string): void {
  if (service.typeName !== RunnerService.typeName) return;
  const given = Buffer.from(requestHeader.get("authorization") ?? "");
  const wanted = Buffer.from(`Bearer ${token}`);
  if (given.length === wanted.length && timingSafeEqual(given, wanted)) return;
  throw problemError({
    code: Code.Unauthenticated,
    reason: ProblemReason.UNAUTHENTICATED,
    message: "the request has no valid bearer token",
    action: "Send the header in the file grpc-token of the runner's data directory: buf curl -H @grpc-token.",
  });
}
