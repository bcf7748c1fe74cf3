import { ConnectError, type Interceptor } from "@connectrpc/connect";
import type { Logger } from "pino";
import { validateRequests } from "#protocol/validation.ts";

/** What every call goes through: errors that are nobody's fault but ours are logged, and requests are validated. */
export function rpcInterceptors(logger: Logger): Interceptor[] {
  const logErrors: Interceptor = (next) => async (request) => {
    try {
      return await next(request);
    } catch (error) {
      if (!(error instanceof ConnectError)) logger.error({ err: error, rpc: request.method.name }, "call failed");
      throw error;
    }
  };
  return [logErrors, validateRequests];
}
