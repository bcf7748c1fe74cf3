import { type Client, Code, ConnectError, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { FleetService } from "#gen/fleet/v1/fleet_service_pb.js";
import { JobService } from "#gen/job/v1/job_service_pb.js";

/** The gateway's two services. */
export interface Gateway {
  readonly jobs: Client<typeof JobService>;
  readonly fleet: Client<typeof FleetService>;
}

/** The services behind a transport. */
export function createGateway(transport: Transport): Gateway {
  return { jobs: createClient(JobService, transport), fleet: createClient(FleetService, transport) };
}

/** The one transport of the page: binary, or readable JSON with `?rpc=json`. */
export function createPageTransport(options: {
  readonly origin: string;
  readonly json: boolean;
  readonly apiKey: () => string;
}): Transport {
  const authorize: Interceptor = (next) => (request) => {
    const key = options.apiKey();
    if (key) request.header.set("authorization", `Bearer ${key}`);
    return next(request);
  };
  return createConnectTransport({
    baseUrl: options.origin,
    useBinaryFormat: !options.json,
    interceptors: [authorize],
    fetch: fetchWithoutLogin,
  });
}

/** A sign-in page in place of an answer, redirected to or sent as HTML, means that nobody is signed in. */
async function fetchWithoutLogin(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(input, { ...init, redirect: "manual" }).catch((error: unknown) => {
    // Browsers tell nothing else of a gateway that cannot be reached.
    throw error instanceof TypeError ? new ConnectError("the gateway cannot be reached", Code.Unavailable) : error;
  });
  const html = response.headers.get("content-type")?.startsWith("text/html") ?? false;
  if (response.type === "opaqueredirect" || (html && response.status < 404)) {
    throw new ConnectError("the gateway asks to sign in", Code.Unauthenticated);
  }
  return response;
}
