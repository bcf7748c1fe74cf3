import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { FleetService } from "#gen/fleet/v1/fleet_service_pb.js";
import { EndCause, type Job, JobState } from "#gen/job/v1/job_pb.js";
import { JobService } from "#gen/job/v1/job_service_pb.js";
import { JobFeed } from "../job/job-feed.ts";
import { createGateway } from "../transport.ts";
import { createDemoFleetService } from "./fleet-service.ts";
import { createInPageTransport } from "./in-page-transport.ts";
import { createDemoJobService } from "./job-service.ts";
import { createLine, unreachable } from "./line.ts";
import { createChance } from "./random.ts";
import { stories } from "./stories.ts";
import { World } from "./world.ts";

test.each(stories.map(({ name }) => [name]))("the story %s is told the same way twice", async (name) => {
  const [first, second] = await Promise.all([tell(name), tell(name)]);
  expect(first.path).toBe(second.path);
  expect([...first.world.jobs.keys()]).toEqual([...second.world.jobs.keys()]);
  for (const { stop } of [...first.world.jobs.values(), ...second.world.jobs.values()]) stop.abort();
});

test("another seed makes other ids", async () => {
  const [first, second] = await Promise.all([tell("finished", 1), tell("finished", 2)]);
  expect(first.path).not.toBe(second.path);
});

test("a job that a visitor makes runs, and prints what its command says", async () => {
  const { gateway } = await tell("empty");
  const task = { invocation: { case: "command", value: "echo hello" } } as const;
  const { job } = await gateway.jobs.createJob({ spec: { repoRef: "local", work: { case: "task", value: task } } });
  const feed = await watchToEnd(gateway, job?.id ?? "");
  expect(feed.log.rows.map(({ text }) => text)).toContain("hello");
  expect(feed.job?.status?.state).toBe(JobState.SUCCEEDED);
});

test("one key makes one job", async () => {
  const { gateway } = await tell("empty");
  const work = { case: "task", value: { invocation: { case: "command", value: "true" } } } as const;
  const create = () => gateway.jobs.createJob({ spec: { repoRef: "local", work }, idempotencyKey: "once" });
  const [first, second] = [await create(), await create()];
  expect(second.job?.id).toBe(first.job?.id);
});

test("a blank command is refused, and the field is named", async () => {
  const { gateway } = await tell("empty");
  const work = { case: "task", value: { invocation: { case: "command", value: " " } } } as const;
  await expect(gateway.jobs.createJob({ spec: { repoRef: "local", work } })).rejects.toMatchObject({
    code: Code.InvalidArgument,
  });
});

test("a decided ask lets its agent go on, and is decided once", async () => {
  const { gateway, path } = await tell("permission");
  const id = path.replace("/jobs/", "");
  const { asks } = await gateway.jobs.listAsks({ jobId: id });
  const named = asks.map((ask) => ({ jobId: id, askId: ask.id }));
  const allow = { verdict: { case: "allow", value: {} } } as const;
  await gateway.jobs.decideAsk({ asks: named, decision: allow });
  await expect(gateway.jobs.decideAsk({ asks: named, decision: allow })).rejects.toThrow("decided before");
  const feed = await watchToEnd(gateway, id);
  expect(feed.job?.openAsks).toBe(0);
  expect(feed.job?.status?.state).toBe(JobState.SUCCEEDED);
});

test("a job that is stopped ends, by whom is told", async () => {
  const { gateway, world } = await tell("reconnect");
  const running = [...world.jobs.values()].find(({ job }) => job.status?.state === JobState.RUNNING);
  const id = running?.id ?? "";
  await gateway.jobs.cancelJob({ id });
  const { job } = await watchToEnd(gateway, id);
  expect(outcomeOf(job)).toMatchObject({ cause: EndCause.CANCELED, actor: { id: "you" } });
});

test("a cut line breaks streams and calls until it is mended", async () => {
  const { gateway, line } = await tell("happy");
  const stream = gateway.jobs.watchJobs({})[Symbol.asyncIterator]();
  await stream.next();
  line.cut(unreachable());
  const broken = async () => {
    for (;;) await stream.next();
  };
  await expect(broken()).rejects.toBeInstanceOf(ConnectError);
  await expect(gateway.fleet.listRunners({})).rejects.toMatchObject({ code: Code.Unavailable });
  line.mend();
  expect((await gateway.fleet.listRunners({})).runners).toHaveLength(1);
});

test("lines are read by number and by search, over the whole log", async () => {
  const { gateway, path } = await tell("failure");
  const id = path.replace("/jobs/", "");
  const { lines } = await gateway.jobs.readLog({ id, search: "expected 401" });
  expect(lines.map(({ number }) => number)).toEqual([9]);
  const tail = await gateway.jobs.readLog({ id, tail: 1 });
  expect(new TextDecoder().decode(tail.lines[0]?.text)).toContain("npm error command");
});

async function tell(name: string, seed = 1) {
  const world = new World({ chance: createChance(seed), speed: 1_000 });
  const line = createLine();
  const transport = createInPageTransport(
    [
      [JobService, createDemoJobService(world)],
      [FleetService, createDemoFleetService(world)],
    ],
    line,
  );
  const path = (await stories.find((story) => story.name === name)?.tell({ world, line })) ?? "";
  return { world, line, path, gateway: createGateway(transport) };
}

async function watchToEnd(gateway: ReturnType<typeof createGateway>, id: string): Promise<JobFeed> {
  const feed = new JobFeed();
  const { job } = await gateway.jobs.getJob({ id });
  if (job) feed.takeSnapshot(job);
  for await (const message of gateway.jobs.watchJob({ id })) feed.take(message);
  return feed;
}

function outcomeOf(job: Job | undefined) {
  return job?.status?.detail.case === "outcome" ? job.status.detail.value : undefined;
}
