import { Code, ConnectError, createRouterTransport, type ServiceImpl } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { FleetService } from "#gen/fleet/v1/fleet_service_pb.js";
import { RunnerState } from "#gen/fleet/v1/runner_pb.js";
import { JobService } from "#gen/job/v1/job_service_pb.js";
import { createGateway } from "../transport.ts";
import { createSetupChecklist } from "./setup-checks.ts";

const origin = "https://gateway.example";
const online = { name: "vm-1", url: "https://vm-1.example", state: RunnerState.ONLINE };

test("four checks go from the runner to a line of its log", async () => {
  const { checks, run } = open({
    fleet: {
      listRunners: () => ({ runners: [online] }),
      checkRunner: () => ({ hops: [{ latency: { nanos: 12e6 } }] }),
    },
    jobs: {
      createJob: () => ({ job: { id: "job_1" } }),
      async *watchJob() {
        const data = new TextEncoder().encode("hello\n");
        yield { message: { case: "batch", value: { events: [{ payload: { case: "log", value: { data } } }] } } };
      },
    },
  });
  await run();
  expect(checks.value.map(({ state }) => state.kind)).toEqual(["passed", "passed", "passed", "passed"]);
  expect(checks.value[0]?.curl).toBe("curl -sS https://vm-1.example/health");
  expect(checks.value[1]?.state).toEqual({ kind: "passed", found: "Reached in 12 ms." });
  expect(checks.value[3]?.curl).toBe("curl -sSN https://gateway.example/api/jobs/job_1/events");
});

test("what comes after a check that failed waits", async () => {
  const { checks, run } = open({
    fleet: {
      listRunners: () => ({ runners: [online] }),
      checkRunner: () => {
        throw new ConnectError("the signature is not the runner's", Code.Unauthenticated);
      },
    },
    jobs: {},
  });
  await run();
  expect(checks.value.map(({ state }) => state.kind)).toEqual(["passed", "failed", "waiting", "waiting"]);
  expect(checks.value[1]?.state).toMatchObject({ found: "The signature is not the runner's." });
});

test("without a runner the first check says so", async () => {
  const { checks, run } = open({ fleet: { listRunners: () => ({ runners: [] }) }, jobs: {} });
  await run();
  expect(checks.value[0]?.state).toEqual({ kind: "failed", found: "No runner is set up." });
});

function open(services: {
  readonly fleet: Partial<ServiceImpl<typeof FleetService>>;
  readonly jobs: Partial<ServiceImpl<typeof JobService>>;
}) {
  const transport = createRouterTransport(({ service }) => {
    service(FleetService, services.fleet);
    service(JobService, services.jobs);
  });
  return createSetupChecklist(createGateway(transport), origin);
}
