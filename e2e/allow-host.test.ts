import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RefusalReason } from "#gen/job/v1/job_event_pb.js";
import { ActorKind, JobState } from "#gen/job/v1/job_pb.js";
import { createTask, type NumberedEvent, readJob, watchToEnd } from "./system/jobs.ts";
import { post } from "./system/rest.ts";
import { startSystem, type TestSystem } from "./system/start-system.ts";

let system: TestSystem;
const server = createServer((_, response) => response.end("hello from the host\n"));

beforeAll(async () => {
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const runnerEnv = { EGRESS_ALLOW: "none", EGRESS_ALLOW_ADDRESSES: "127.0.0.1" };
  system = await startSystem({ runnerEnv });
});
afterAll(async () => {
  await system.stop();
  server.close();
});

function networkEvents(events: readonly NumberedEvent[]) {
  return events.flatMap(({ payload }) => (payload.case === "network" ? [payload.value.event] : []));
}

test("a host that a job was refused is allowed by somebody else, and the same job reaches it", async () => {
  const { port } = server.address() as AddressInfo;
  const host = `host.localhost:${port}`;
  const env = { NO_PROXY: "127.0.0.1", no_proxy: "127.0.0.1" };
  const { id } = await createTask(system, `until curl -sSf http://${host}/; do sleep 0.1; done`, { env });
  const refused = await watchToEnd(system, id, { enough: (events) => networkEvents(events).length > 0 });
  expect(networkEvents(refused)).toMatchObject([
    { case: "refused", value: { host: "host.localhost", port, reason: RefusalReason.NOT_ALLOWED, count: 1 } },
  ]);

  expect((await post(system, `/api/jobs/${id}/allowed-hosts`, { host })).status).toBe(204);
  const events = await watchToEnd(system, id);
  expect((await readJob(system, id)).status?.state).toBe(JobState.SUCCEEDED);
  expect(networkEvents(events).filter(({ case: kind }) => kind === "allowed")).toMatchObject([
    { value: { host, actor: { kind: ActorKind.CALLER } } },
  ]);
});

test("the fleet tells what jobs reach", async () => {
  const { runners } = await system.fleet.listRunners({});
  expect(runners[0]?.info).toMatchObject({ allowedHosts: [], moreHosts: true });
});
