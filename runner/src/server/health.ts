import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { type Health, HealthCheckResponse_ServingStatus as ServingStatus } from "#gen/grpc/health/v1/health_pb.js";
import { RunnerService } from "#gen/runner/v1/runner_service_pb.js";

const services: readonly string[] = ["", RunnerService.typeName];

/** grpc.health.v1.Health: a runner that answers is healthy. */
export const health: ServiceImpl<typeof Health> = {
  check({ service }) {
    if (!services.includes(service)) throw new ConnectError(`no service "${service}" is served`, Code.NotFound);
    return { status: ServingStatus.SERVING };
  },
  async *watch({ service }, { signal }) {
    yield { status: services.includes(service) ? ServingStatus.SERVING : ServingStatus.SERVICE_UNKNOWN };
    // It never changes while the runner is there to say so.
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  },
  list() {
    return { statuses: Object.fromEntries(services.map((name) => [name, { status: ServingStatus.SERVING }])) };
  },
};
