import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { IsolationKind, RunnerState } from "#gen/fleet/v1/runner_pb.js";
import { JobState } from "#gen/job/v1/job_pb.js";
import { openLocalGateway } from "../local-gateway.ts";
import type { Services } from "../rpc.ts";

const jobId = "job_0123456789abcdef";

const runner = {
  name: "vm-1",
  lastSeenTime: timestampFromMs(1000),
  state: RunnerState.ONLINE,
  latency: { nanos: 12_300_000 },
  info: { version: "1.0.0", slots: 3, isolation: { kind: IsolationKind.NONE }, freeDiskBytes: 2n ** 40n },
  configured: true,
};

test("runners are shown with what they say of themselves", async () => {
  const send = openLocalGateway({ fleet: { listRunners: () => ({ runners: [runner] }) } });
  expect(await (await send("/api/runners")).json()).toMatchObject({
    runners: [
      {
        name: "vm-1",
        last_seen_at: "1970-01-01T00:00:01.000Z",
        state: "online",
        latency_ms: 12,
        info: { version: "1.0.0", slots: 3, started_at: null, isolation: { kind: "none" }, free_disk_bytes: 2 ** 40 },
      },
    ],
  });
});

test("a runner that answers is connected", async () => {
  const send = openLocalGateway({ fleet: { checkRunner: () => ({ runner }) } });
  expect(await (await send("/api/health/runner")).json()).toEqual({
    ...{ runner: "connected", latency_ms: 12, name: "vm-1", version: "1.0.0" },
  });
});

test.each([Code.Unavailable, Code.NotFound, Code.FailedPrecondition])(
  "a runner that cannot be checked (code %i) is disconnected, with the reason and when it was last seen",
  async (code) => {
    const fleet: Services["fleet"] = {
      checkRunner() {
        throw new ConnectError("connection refused", code);
      },
      listRunners: () => ({ runners: [runner] }),
    };
    const response = await openLocalGateway({ fleet })("/api/health/runner");
    expect([response.status, await response.json()]).toEqual([
      503,
      {
        ...{ runner: "disconnected", latency_ms: null },
        ...{ reason: "connection refused", last_seen: "1970-01-01T00:00:01.000Z" },
      },
    ]);
  },
);

test("every change of a job comes on the stream of all jobs, from where its reader was", async () => {
  const after: number[] = [];
  const send = openLocalGateway({
    job: {
      async *watchJobs({ afterRevision }) {
        after.push(afterRevision);
        yield { message: { case: "heartbeat", value: { time: timestampFromMs(1000) } }, revision: 6 };
        yield { message: { case: "job", value: { id: jobId, status: { state: JobState.RUNNING } } }, revision: 7 };
        yield { message: { case: "deletedId", value: jobId }, revision: 8 };
      },
    },
  });
  const text = await (await send("/api/events", { headers: { "last-event-id": "6" } })).text();
  expect(after).toEqual([6]);
  expect(text).toMatch(/^retry: 2000\n\nevent: heartbeat\ndata: \{"ts":"1970-01-01T00:00:01.000Z","revision":6\}\n\n/);
  expect(text).toContain(`id: 7\nevent: job\ndata: {"id":"${jobId}","status":"running"`);
  expect(text).toMatch(new RegExp(`id: 8\nevent: job_deleted\ndata: \\{"id":"${jobId}"\\}\n\n$`));
});
