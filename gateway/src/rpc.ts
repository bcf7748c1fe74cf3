import {
  type Client,
  Code,
  ConnectError,
  createClient,
  createConnectRouter,
  createContextKey,
  createContextValues,
  type HandlerContext,
  type Interceptor,
  type ServiceImpl,
} from "@connectrpc/connect";
import {
  createUniversalHandlerClient,
  type UniversalHandler,
  universalServerResponseToFetch,
} from "@connectrpc/connect/protocol";
import { createTransport } from "@connectrpc/connect/protocol-connect";
import { FleetService } from "#gen/fleet/v1/fleet_service_pb.js";
import { JobService } from "#gen/job/v1/job_service_pb.js";
import { explainRefusal } from "#protocol/explain-refusal.ts";
import { validateRequests } from "#protocol/validation.ts";
import { type Caller, callerKey } from "./auth/caller.ts";
import { maxBodyBytes } from "./auth/origin.ts";
import { refuseScope } from "./auth/scope.ts";
import { readChunks } from "./request-body.ts";

/** The services behind the border. An RPC that is missing answers UNIMPLEMENTED. */
export interface Services {
  readonly job: Partial<ServiceImpl<typeof JobService>>;
  readonly fleet: Partial<ServiceImpl<typeof FleetService>>;
}

/** How a request was judged at the border: who calls, or why it is refused. */
export type Admission = Admitted | Refused;

/** A request that came in. */
export interface Admitted {
  readonly kind: "admitted";
  readonly requestId: string;
  readonly caller: Caller;
}

/** A request that did not. */
export interface Refused {
  readonly kind: "refused";
  readonly requestId: string;
  readonly refusal: ConnectError;
}

/** Takes note of an error that nobody foresaw. */
export type ReportError = (error: unknown, context: { readonly procedure: string; readonly requestId: string }) => void;

/** The services as clients within this process; a call goes the same way as one from outside. */
export interface Clients {
  readonly jobs: Client<typeof JobService>;
  readonly fleet: Client<typeof FleetService>;
}

/** Serves the RPCs of the services, to the network and to the REST routes alike. */
export interface Rpc {
  /** Answers a request at the path of an RPC; undefined when there is none. Refusals take the form of its protocol. */
  answer(request: Request, admission: Admission): Promise<Response | undefined>;
  /** Clients that call as the caller of this request. */
  clientsFor(request: Admitted): Clients;
}

/** Wires scopes, validation and error reports around the services. */
export function createRpc(services: Services, report: ReportError): Rpc {
  const router = createConnectRouter({
    interceptors: [reportUnforeseen(report), validateRequests],
    jsonOptions: { ignoreUnknownFields: false },
    readMaxBytes: maxBodyBytes,
    requestGate: refuse,
  });
  router.service(JobService, services.job).service(FleetService, services.fleet);
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  return {
    async answer(request, admission) {
      const handler = handlers.get(new URL(request.url).pathname);
      if (handler === undefined) return undefined;
      const contextValues = toContextValues(admission);
      const { method, url, headers: header, signal } = request;
      const body = readChunks(request.body);
      const answer = await handler({ httpVersion: "", method, url, header, body, signal, contextValues });
      return explainRefusal(universalServerResponseToFetch(answer));
    },
    clientsFor(request) {
      const transport = transportTo(router.handlers, request);
      return { jobs: createClient(JobService, transport), fleet: createClient(FleetService, transport) };
    },
  };
}

const requestIdKey = createContextKey("", { description: "request id" });
const refusalKey = createContextKey<ConnectError | undefined>(undefined, { description: "refusal" });

function toContextValues(admission: Admission) {
  const values = createContextValues().set(requestIdKey, admission.requestId);
  return admission.kind === "admitted"
    ? values.set(callerKey, admission.caller)
    : values.set(refusalKey, admission.refusal);
}

/** Ends a refused call before its body is read. */
function refuse({ values, method }: HandlerContext): void {
  const refusal = values.get(refusalKey) ?? refuseScope(values.get(callerKey), method);
  if (refusal !== undefined) throw refusal;
}

function transportTo(handlers: readonly UniversalHandler[], request: Admitted) {
  const contextValues = toContextValues(request);
  const withCaller = handlers.map((handler) =>
    Object.assign((...[call]: Parameters<UniversalHandler>) => handler({ ...call, contextValues }), handler),
  );
  return createTransport({
    httpClient: createUniversalHandlerClient(withCaller),
    baseUrl: "http://gateway",
    useBinaryFormat: true,
    interceptors: [],
    acceptCompression: [],
    sendCompression: null,
    compressMinBytes: Number.MAX_SAFE_INTEGER,
    readMaxBytes: 0xffffffff,
    writeMaxBytes: 0xffffffff,
  });
}

/** Reports what Connect answers as "internal error", with the cause that the caller is not told. */
function reportUnforeseen(report: ReportError): Interceptor {
  return (next) => async (request) => {
    const procedure = `${request.service.typeName}/${request.method.name}`;
    const requestId = request.contextValues.get(requestIdKey);
    const reportOnce = (error: unknown) => {
      const isForeseen = error instanceof ConnectError && error.code !== Code.Internal && error.code !== Code.Unknown;
      if (!isForeseen && !request.signal.aborted) report(error, { procedure, requestId });
    };
    try {
      const response = await next(request);
      return response.stream ? { ...response, message: reportFailure(response.message, reportOnce) } : response;
    } catch (error) {
      reportOnce(error);
      throw error;
    }
  };
}

async function* reportFailure<T>(messages: AsyncIterable<T>, report: (error: unknown) => void) {
  try {
    yield* messages;
  } catch (error) {
    report(error);
    throw error;
  }
}
