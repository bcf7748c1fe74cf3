import { createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FleetService } from "#gen/fleet/v1/fleet_service_pb.js";
import { JobService } from "#gen/job/v1/job_service_pb.js";
import { parseSecrets } from "#protocol/signature.ts";
import { createRunnerClient } from "../runner/testing/runner-client.ts";
import { calls } from "./bad-input/calls.ts";
import { jobFields, taskWith } from "./bad-input/job-fields.ts";
import { reads } from "./bad-input/reads.ts";
import { requests } from "./bad-input/requests.ts";
import { createTask, watchToEnd } from "./system/jobs.ts";
import { refusalOf, sendRaw } from "./system/refusal.ts";
import { startSystem, type TestSystem } from "./system/start-system.ts";

let system: TestSystem;
/** The one job that there is, long finished. */
let finishedId: string;
beforeAll(async () => {
  system = await startSystem();
  ({ id: finishedId } = await createTask(system, "echo hello"));
  await watchToEnd(system, finishedId);
});
afterAll(() => system.stop());

describe.concurrent("over HTTP", () => {
  test.for(requests)("%s is refused", async ([, path, request, answer]) => {
    expect(await sendRaw(system.gatewayUrl + path, request)).toBe(answer);
  });

  const jobs = jobFields.map(([fields, answer]) => [JSON.stringify(fields).slice(0, 80), fields, answer] as const);
  test.for(jobs)("a job with %s is refused", async ([, fields, answer]) => {
    const headers = { "content-type": "application/json" };
    const request = { method: "POST", headers, body: taskWith(fields) };
    expect(await sendRaw(`${system.gatewayUrl}/api/jobs`, request)).toBe(answer);
  });

  test.for(reads)("GET %s is refused", async ([path, answer]) => {
    expect(await sendRaw(system.gatewayUrl + path.replace("{job}", `/api/jobs/${finishedId}`))).toBe(answer);
  });
});

describe.concurrent.for([
  ["Connect", createConnectTransport],
  ["gRPC-Web", createGrpcWebTransport],
] as const)("over %s", ([, createTransport]) => {
  test.for(calls)("%s is refused", async ([, call, answer]) => {
    const transport = createTransport({ baseUrl: system.gatewayUrl, useBinaryFormat: true });
    const clients = { jobs: createClient(JobService, transport), fleet: createClient(FleetService, transport) };
    expect(await refusalOf(call({ ...clients, finishedId }))).toBe(answer);
  });
});

test("nothing of all this has happened", async () => {
  const { jobs } = await system.jobs.listJobs({});
  expect(jobs.map(({ id }) => id)).toEqual([finishedId]);
  const { runners } = await system.fleet.listRunners({});
  expect(runners.map(({ name }) => name)).toEqual(["vm-1"]);
  const [key] = await parseSecrets("RUNNER_SECRET", system.secret);
  const { info } = await createRunnerClient(system.runnerUrl, key).getRunner({});
  expect(info).toMatchObject({ usedSlots: 0, attempts: [], draining: false });
});
