// Runs a command as a job and prints its output until it ends:
// node docs/examples/watch-job.ts http://127.0.0.1:8788 'echo hello'
import { setTimeout as delay } from "node:timers/promises";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { JobService } from "#gen/job/v1/job_service_pb.js";

const [, , baseUrl = "http://127.0.0.1:8788", command = "echo hello"] = process.argv;
const jobs = createClient(JobService, createConnectTransport({ baseUrl, httpVersion: "1.1" }));

const invocation = { case: "command", value: command } as const;
const created = await jobs.createJob({ spec: { repoRef: "test", work: { case: "task", value: { invocation } } } });
const id = created.job?.id ?? "";

// Events are numbered from 1. Whoever remembers the last number seen goes on behind it after any break.
for (let afterSequence = 0, ended = false; !ended; ) {
  try {
    for await (const { message } of jobs.watchJob({ id, afterSequence })) {
      if (message.case !== "batch") continue;
      for (const { payload } of message.value.events)
        if (payload.case === "log") process.stdout.write(payload.value.data);
      afterSequence = (message.value.header?.firstSequence ?? 0) + message.value.events.length - 1;
    }
    ended = true;
  } catch (error) {
    if (ConnectError.from(error).code === Code.NotFound) throw error;
    await delay(500);
  }
}
const { job } = await jobs.getJob({ id });
if (job?.status?.detail.case === "outcome") process.exitCode = job.status.detail.value.exitCode ?? 1;
