import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import { EndCause, type JobSpec, JobSpecSchema, JobState } from "#gen/job/v1/job_pb.js";
import { isFinal } from "../jobs/job-state.ts";
import {
  agentThatAsks,
  agentThatFixes,
  agentThatWonders,
  commandThatFails,
  commandThatFloods,
  commandThatGoesOn,
  commandThatPasses,
  commandThatPrints,
} from "./acts.ts";
import type { Act } from "./job-stage.ts";
import { type Line, unreachable } from "./line.ts";
import { offlineRunner, onlineRunner } from "./runners.ts";
import type { DemoJob, World } from "./world.ts";

/** What a story is told with. */
export interface Telling {
  readonly world: World;
  readonly line: Line;
}

/** A state of the product that can be looked at. */
export interface Story {
  readonly name: string;
  readonly title: string;
  /** Sets the scene; answers the path at which to look at it. */
  readonly tell: (telling: Telling) => Promise<string>;
}

/** Every story, the seven scenarios first. */
export const stories: readonly Story[] = [
  { name: "happy", title: "All is well", tell: tellHappy },
  { name: "permission", title: "An agent asks", tell: tellPermission },
  { name: "failure", title: "A job failed", tell: tellFailure },
  { name: "offline", title: "The runner is offline", tell: tellOffline },
  { name: "flood", title: "250,000 lines", tell: tellFlood },
  { name: "reconnect", title: "The connection is lost", tell: tellReconnect },
  { name: "fleet", title: "A fleet of six", tell: tellFleet },
  { name: "first-use", title: "Nothing is set up", tell: async () => "/setup" },
  { name: "empty", title: "No jobs yet", tell: tellEmpty },
  { name: "no-match", title: "A filter without a match", tell: tellNoMatch },
  { name: "loading", title: "The first answer is late", tell: tellLoading },
  { name: "signed-out", title: "Signed out", tell: tellSignedOut },
  { name: "forbidden", title: "A right is missing", tell: tellForbidden },
  { name: "finished", title: "An agent is done", tell: tellFinished },
  { name: "question", title: "An agent wants to know", tell: tellQuestion },
  { name: "gap", title: "Events are missing", tell: tellGap },
  { name: "skew", title: "The gateway was replaced", tell: tellSkew },
  { name: "hostile", title: "Text that would be markup", tell: tellHostile },
];

async function tellHappy({ world }: Telling): Promise<string> {
  world.runners.set("vm-1", onlineRunner("vm-1"));
  await tellHistory(world);
  world.createJob({ spec: task("npm ci && npm test", { name: "test-api" }), act: commandThatPasses, agoMs: 2_000 });
  world.createJob({ spec: agent("Fix the failing session test.", "fix-auth"), act: agentThatFixes, agoMs: 1_500 });
  return "/";
}

async function tellPermission({ world }: Telling): Promise<string> {
  world.runners.set("vm-1", onlineRunner("vm-1"));
  await tellHistory(world);
  const asking = world.createJob({
    spec: agent("Fix the failing session test.", "fix-auth"),
    act: agentThatAsks,
    agoMs: 90_000,
  });
  await until(world, asking, ({ job }) => job.openAsks > 0);
  return `/jobs/${asking.id}`;
}

async function tellFailure({ world }: Telling): Promise<string> {
  world.runners.set("vm-1", onlineRunner("vm-1"));
  await tellHistory(world);
  const failed = await past(world, task("npm ci && npm test", { name: "nightly" }), commandThatFails, 4 * 60_000);
  return `/jobs/${failed.id}`;
}

async function tellOffline({ world }: Telling): Promise<string> {
  world.runners.set("vm-1", onlineRunner("vm-1"));
  await tellHistory(world);
  const held = world.createJob({
    spec: task("./train.sh", { name: "train" }),
    act: commandThatGoesOn,
    agoMs: 15 * 60_000,
  });
  await until(world, held, ({ batches }) => batches.length > 20);
  world.change(held, { suspect: true });
  world.runners.set("vm-1", offlineRunner("vm-1", 45_000));
  world.createJob({ spec: task("npm run lint", { name: "lint" }), act: commandThatPasses, agoMs: 30_000 });
  world.createJob({ spec: agent("Raise every dependency.", "bump"), act: agentThatFixes, agoMs: 12_000 });
  return "/";
}

async function tellFlood({ world }: Telling): Promise<string> {
  world.runners.set("vm-1", onlineRunner("vm-1"));
  const flood = world.createJob({
    spec: task("./load-test.sh --requests 250000", { name: "load-test" }),
    act: commandThatFloods(250_000),
    agoMs: 8_000,
  });
  return `/jobs/${flood.id}`;
}

async function tellReconnect(telling: Telling): Promise<string> {
  const { world, line } = telling;
  world.runners.set("vm-1", onlineRunner("vm-1"));
  await tellHistory(world);
  const job = world.createJob({ spec: task("./train.sh", { name: "train" }), act: commandThatGoesOn, agoMs: 60_000 });
  // Long enough to see the page live before.
  setTimeout(() => line.cut(unreachable()), 2_500 / world.speed);
  return `/jobs/${job.id}`;
}

async function tellFleet({ world }: Telling): Promise<string> {
  for (const name of ["vm-1", "vm-2", "vm-3", "vm-4"]) world.runners.set(name, onlineRunner(name));
  world.runners.set("gpu-1", onlineRunner("gpu-1", { slots: 1, labels: ["linux", "x64", "gpu"] }));
  await tellHistory(world);
  for (const name of ["lint", "docs", "e2e", "bench", "image", "types", "audit"]) {
    const agoMs = world.chance.between(20, 500) * 1_000;
    world.createJob({ spec: task(`npm run ${name}`, { name }), act: commandThatGoesOn, agoMs });
  }
  const asking = [
    world.createJob({ spec: agent("Fix the failing session test.", "fix-auth"), act: agentThatAsks, agoMs: 120_000 }),
    world.createJob({ spec: agent("Name the new table.", "new-table"), act: agentThatWonders, agoMs: 60_000 }),
  ];
  for (const entry of asking) await until(world, entry, ({ job }) => job.openAsks > 0);
  for (const name of ["train-a", "train-b", "train-c"]) {
    const spec = { ...task("./train.sh", { name }), runnerLabels: ["gpu"] };
    world.createJob({ spec, act: commandThatGoesOn, agoMs: 200_000 });
  }
  world.runners.set("vm-5", offlineRunner("vm-5", 11 * 60_000));
  return "/";
}

async function tellEmpty({ world }: Telling): Promise<string> {
  world.runners.set("vm-1", onlineRunner("vm-1"));
  return "/jobs";
}

async function tellNoMatch({ world }: Telling): Promise<string> {
  world.runners.set("vm-1", onlineRunner("vm-1"));
  await tellHistory(world);
  return "/jobs?status=failed&q=unicorn";
}

async function tellLoading({ line }: Telling): Promise<string> {
  line.hold();
  return "/jobs";
}

async function tellSignedOut(telling: Telling): Promise<string> {
  const path = await tellFailure(telling);
  telling.line.cut(new ConnectError("the gateway asks to sign in", Code.Unauthenticated));
  return path;
}

async function tellForbidden({ line }: Telling): Promise<string> {
  line.cut(new ConnectError("the key lacks the scope viewer", Code.PermissionDenied));
  return "/jobs";
}

async function tellFinished({ world }: Telling): Promise<string> {
  world.runners.set("vm-1", onlineRunner("vm-1"));
  await tellHistory(world);
  const done = await past(world, agent("Fix the failing session test.", "fix-auth"), agentThatFixes, 3 * 60_000);
  return `/jobs/${done.id}`;
}

async function tellQuestion({ world }: Telling): Promise<string> {
  world.runners.set("vm-1", onlineRunner("vm-1"));
  const job = world.createJob({
    spec: agent("Name the new table.", "new-table"),
    act: agentThatWonders,
    agoMs: 60_000,
  });
  await until(world, job, (entry) => entry.job.openAsks > 0);
  return `/jobs/${job.id}`;
}

async function tellGap({ world }: Telling): Promise<string> {
  world.runners.set("vm-1", onlineRunner("vm-1"));
  const act: Act = async (stage) => {
    stage.write("first line");
    stage.emit({
      case: "logGap",
      value: { stream: LogStream.STDOUT, fromOffset: 11n, toOffset: 60_211n, lines: 1_204, reason: 1 },
    });
    stage.write("the last line that was kept");
    return { cause: EndCause.COMPLETED, exitCode: 0 };
  };
  const job = await past(world, task("yes | head -c 1G", { name: "too-much" }), act, 60_000);
  return `/jobs/${job.id}`;
}

async function tellSkew({ world, line }: Telling): Promise<string> {
  world.runners.set("vm-1", onlineRunner("vm-1"));
  await tellHistory(world);
  // The first readings of the runners and of the list.
  line.failNext(2, unreachable());
  return "/";
}

async function tellHostile({ world }: Telling): Promise<string> {
  const evil = `<img src=x onerror="document.title='broken in'"><script>document.title='broken in'</script>`;
  world.runners.set("vm-1", { ...onlineRunner("vm-1"), problem: evil });
  const spec = create(JobSpecSchema, {
    repoRef: "https://git.example.com/<b>owner</b>/‮name",
    name: `${evil} ‮txt.exe`,
    work: { case: "agent", value: { agent: "claude", prompt: `${evil}\n\x1b[31mred\x1b[0m` } },
  });
  const act: Act = async (stage) => {
    stage.write(`${evil}\n\x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07 ‮reversed`);
    stage.begin();
    await stage.say(`${evil}\n\n[link](javascript:alert(1)) <b>bold</b>`);
    await stage.use(
      "Edit",
      { file_path: `${evil}.ts`, old_string: evil, new_string: "javascript:alert(1)" },
      { text: evil },
    );
    await stage.ask({
      case: "permission",
      value: { tool: evil, inputJson: JSON.stringify({ command: evil }), reason: evil, suggestedRules: [] },
    });
    return { cause: EndCause.AGENT_ERROR, message: evil };
  };
  const job = world.createJob({ spec, act, agoMs: 60_000 });
  await until(world, job, (entry) => entry.job.openAsks > 0);
  return `/jobs/${job.id}`;
}

/** What happened before the page was opened. */
async function tellHistory(world: World): Promise<void> {
  const minute = 60_000;
  await past(world, task("npm run build", { name: "build" }), commandThatPasses, 55 * minute);
  await past(world, task("npm ci && npm test", { name: "test-api" }), commandThatFails, 42 * minute);
  await past(world, agent("Write the missing docs of the session API.", "docs"), agentThatFixes, 31 * minute);
  await past(world, task("uname -a", {}), commandThatPrints("Linux vm-1 6.12.0 x86_64 GNU/Linux"), 22 * minute);
  await past(world, task("npm ci && npm test", { name: "test-api" }), commandThatPasses, 9 * minute);
}

/** A job that is over. */
async function past(world: World, spec: JobSpec, act: Act, agoMs: number): Promise<DemoJob> {
  const entry = world.createJob({ spec, act, agoMs });
  return until(world, entry, ({ job }) => isFinal(job.status?.state ?? JobState.UNSPECIFIED));
}

async function until(world: World, entry: DemoJob, isSo: (entry: DemoJob) => boolean): Promise<DemoJob> {
  while (!isSo(entry)) await world.bell.heard(new AbortController().signal, 60_000);
  return entry;
}

function task(command: string, { name = "" }: { readonly name?: string }): JobSpec {
  return create(JobSpecSchema, {
    repoRef: "acme/api@main",
    name,
    labels: { team: "core" },
    work: { case: "task", value: { invocation: { case: "command", value: command } } },
    limits: { wall: durationFromMs(30 * 60_000) },
  });
}

function agent(prompt: string, name: string): JobSpec {
  return create(JobSpecSchema, {
    repoRef: "acme/api@main",
    name,
    labels: { team: "core" },
    work: { case: "agent", value: { agent: "claude", prompt } },
    limits: { budgetMicros: 2_000_000n },
  });
}
