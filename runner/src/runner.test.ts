import { createHash } from "node:crypto";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { IsolationKind } from "#gen/fleet/v1/runner_pb.js";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import { ActorKind, EndCause } from "#gen/job/v1/job_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { type StartJobRequest, StreamEventsRequestSchema } from "#gen/runner/v1/runner_service_pb.js";
import { encodeEnvelope, messageFlag } from "#protocol/envelope.ts";
import { findProblem } from "#protocol/problem.ts";
import { endOf, followJob, logText, type NumberedEvent, startRequest, story } from "../testing/jobs.ts";
import { signRequest } from "../testing/runner-client.ts";
import { makeDataDirectory, processesIn, startRunner, type TestRunner } from "../testing/start-runner.ts";
import { wallNames } from "./sandbox/walls.ts";

// Starting real processes takes its time on a busy machine.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const data = makeDataDirectory();
let runner: TestRunner;

beforeAll(async () => {
  runner = await startRunner(data.path, { MAX_CONCURRENT_JOBS: "8" });
});

afterAll(async () => {
  await runner.stop("SIGINT");
  data.remove();
});

async function start(command: string, spec: Parameters<typeof startRequest>[1] = {}): Promise<StartJobRequest> {
  const request = startRequest(command, spec);
  await runner.client.startJob(request);
  return request;
}

async function run(command: string, spec: Parameters<typeof startRequest>[1] = {}) {
  const request = await start(command, spec);
  const events = await followJob(runner.client, request);
  return { request, events, end: endOf(events) };
}

/** The attempt as other calls name it. */
function held({ jobId, attempt }: StartJobRequest) {
  return { jobId, attempt };
}

/** A stream of events whose reader takes nothing from its socket. */
async function openStreamUnread({ url, key }: TestRunner, request: StartJobRequest): Promise<Socket> {
  const message = create(StreamEventsRequestSchema, held(request));
  const body = encodeEnvelope(messageFlag, toBinary(StreamEventsRequestSchema, message));
  const target = `${url}/blazecraft.runner.v1.RunnerService/StreamEvents`;
  const type = "application/connect+proto";
  const socket = connect(Number(new URL(url).port), "127.0.0.1").pause();
  const head = [
    `POST ${new URL(target).pathname} HTTP/1.1`,
    "host: runner",
    `content-type: ${type}`,
    `content-length: ${body.length}`,
    `blazecraft-signature: ${await signRequest(key, target, type, body)}`,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  socket.write(body);
  return socket;
}

async function refusal(call: Promise<unknown>) {
  const error = ConnectError.from(
    await call.then(() => new Error("the call was not refused")).catch((reason) => reason),
  );
  return { code: error.code, reason: findProblem(error)?.reason, field: findProblem(error)?.field };
}

const hasWritten = (text: string) => (events: readonly NumberedEvent[]) => logText(events).includes(text);

test("a task's events tell its whole story in order", async () => {
  const { events, end } = await run("echo hello; echo oops >&2");
  expect(story(events).filter((word) => word !== "log")).toEqual([
    "stateChanged",
    "phaseChanged",
    "scratch",
    "phaseChanged",
    "started",
    "exited",
    "phaseChanged",
    "attemptEnded",
  ]);
  expect(logText(events)).toBe("hello\n");
  expect(logText(events, LogStream.STDERR)).toBe("oops\n");
  expect(end.outcome).toMatchObject({ cause: EndCause.COMPLETED, exitCode: 0 });
});

test("output is a real pipe, which a script may open by name", async () => {
  const { events } = await run(
    "echo a > /dev/stdout; echo b >> /dev/stdout; echo c > /dev/stderr; echo d >> /dev/stderr",
  );
  expect(logText(events)).toBe("a\nb\n");
  expect(logText(events, LogStream.STDERR)).toBe("c\nd\n");
});

test("a job sees a clean environment and a workspace and home of its own", async () => {
  const { request, events } = await run("env | sort; pwd; cat", { env: { GREETING: "hi" } });
  const root = `${data.path}/jobs/${request.jobId}`;
  const lines = logText(events).trim().split("\n");
  expect(lines.filter((line) => !/^(_|PWD|SHLVL|OLDPWD)=/.test(line))).toEqual([
    `BLAZECRAFT_JOB_ID=${request.jobId}`,
    "CI=true",
    "GREETING=hi",
    `HOME=${root}/home`,
    "HTTPS_PROXY=http://127.0.0.1:3128",
    "HTTP_PROXY=http://127.0.0.1:3128",
    "LANG=C.UTF-8",
    "LC_ALL=C.UTF-8",
    "NO_PROXY=127.0.0.1,localhost,::1",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "TERM=dumb",
    `TMPDIR=${root}/tmp`,
    "http_proxy=http://127.0.0.1:3128",
    "https_proxy=http://127.0.0.1:3128",
    "no_proxy=127.0.0.1,localhost,::1",
    `${root}/workspace`,
  ]);
});

test.each([
  ["exit 7", { cause: EndCause.EXIT_CODE, exitCode: 7 }],
  ["no-such-program", { cause: EndCause.EXIT_CODE, exitCode: 127 }],
  ["kill -SEGV $$", { cause: EndCause.SIGNAL, signal: "SIGSEGV" }],
])("%s ends with its own cause", async (command, outcome) => {
  const { end } = await run(command);
  expect(end.outcome).toMatchObject(outcome);
});

test.each([
  ["a program that does not exist", ["/no/such/program"], EndCause.UNSTARTABLE],
  ["a file that is not executable", ["/etc/passwd"], EndCause.UNSTARTABLE],
  ["a program with arguments", ["printf", "%s", "a b"], EndCause.COMPLETED],
])("%s is started without a shell", async (_, args, cause) => {
  const { end } = await run("", { work: { case: "task", value: { invocation: { case: "argv", value: { args } } } } });
  expect(end.outcome?.cause).toBe(cause);
});

test("a canceled job is stopped as a group, and each step is an event", async () => {
  const request = await start("echo ready; sleep 600 & sleep 600; wait");
  const before = await followJob(runner.client, request, { enough: hasWritten("ready") });
  const actor = { kind: ActorKind.CALLER, id: "ana" };
  await runner.client.stopJob({ ...held(request), cause: EndCause.CANCELED, actor });
  const after = await followJob(runner.client, request, { after: before.at(-1)?.sequence ?? 0 });
  expect(story(after)).toEqual(["stopRequested", "signalSent", "exited", "phaseChanged", "attemptEnded"]);
  expect(endOf(after).outcome).toMatchObject({ cause: EndCause.CANCELED, actor, signal: "SIGTERM" });
});

test("a job that ignores SIGTERM gets SIGKILL after the grace", async () => {
  const request = await start("trap '' TERM; echo ready; while :; do sleep 0.05; done");
  await followJob(runner.client, request, { enough: hasWritten("ready") });
  await runner.client.stopJob({ ...held(request), cause: EndCause.CANCELED, grace: durationFromMs(100) });
  const events = await followJob(runner.client, request);
  const signals = events.flatMap(({ payload }) =>
    payload.case === "process" && payload.value.event.case === "signalSent" ? [payload.value.event.value.signal] : [],
  );
  expect(signals).toEqual(["SIGTERM", "SIGKILL"]);
  expect(endOf(events).outcome).toMatchObject({ cause: EndCause.CANCELED, signal: "SIGKILL" });
});

test("stopping twice stops once, and stopping an ended job does nothing", async () => {
  const request = await start("echo ready; sleep 600");
  await followJob(runner.client, request, { enough: hasWritten("ready") });
  const stop = () => runner.client.stopJob({ ...held(request), cause: EndCause.CANCELED });
  await Promise.all([stop(), stop(), stop()]);
  const events = await followJob(runner.client, request);
  await stop();
  expect(story(events).filter((word) => word === "stopRequested")).toHaveLength(1);
  expect(await followJob(runner.client, request)).toHaveLength(events.length);
});

test.each([
  ["wall", { wall: durationFromMs(1000) }, EndCause.WALL_TIMEOUT, "while :; do echo x; sleep 0.1; done"],
  ["idle", { idle: durationFromMs(1000) }, EndCause.IDLE_TIMEOUT, "echo x; sleep 600"],
])("the %s limit fires and names itself", async (name, limits, cause, command) => {
  const { end } = await run(command, { limits });
  expect(end.outcome).toMatchObject({ cause, message: expect.stringContaining(`limits.${name}`) });
});

test("nothing that a job leaves behind survives it, wherever it went", async () => {
  const hide = "setsid sh -c 'echo hidden; exec sleep 600' & nohup sleep 600 & (setsid sleep 600 >/dev/null 2>&1 &)";
  const { request, events, end } = await run(`${hide}; sleep 0.2; echo done`);
  expect(logText(events)).toContain("done\n");
  expect(end.outcome?.cause).toBe(EndCause.COMPLETED);
  expect(processesIn(`${data.path}/jobs/${request.jobId}`)).toEqual([]);
  expect(existsSync(`${data.path}/jobs/${request.jobId}/tmp`)).toBe(false);
});

test("a started attempt is answered with what runs, also when asked many times at once", async () => {
  const request = startRequest("echo once; sleep 600");
  const answers = await Promise.all(Array.from({ length: 5 }, () => runner.client.startJob(request)));
  // Which of them comes first is not said.
  expect(answers.filter(({ alreadyStarted }) => !alreadyStarted)).toHaveLength(1);
  expect(new Set(answers.map(({ slot }) => slot)).size).toBe(1);
  await followJob(runner.client, request, { enough: hasWritten("once") });
  await runner.client.releaseJob(held(request));
});

test("a newer attempt replaces an older one, and an older one is refused", async () => {
  const first = await start("echo ready; sleep 600");
  const before = await followJob(runner.client, first, { enough: hasWritten("ready") });
  const second = { ...first, attempt: 2, firstSequence: (before.at(-1)?.sequence ?? 0) + 10 };
  expect(await runner.client.startJob(second)).toMatchObject({ alreadyStarted: false });
  await followJob(runner.client, second, { enough: hasWritten("ready") });
  expect(await refusal(runner.client.startJob(first))).toMatchObject({
    code: Code.FailedPrecondition,
    reason: ProblemReason.STALE_ATTEMPT,
  });
  expect(await refusal(runner.client.stopJob({ ...held(first), cause: EndCause.CANCELED }))).toMatchObject({
    code: Code.NotFound,
  });
  await runner.client.releaseJob(held(second));
});

test("a released job is gone with all it had, and releasing it again does nothing", async () => {
  const request = await start("echo ready; sleep 600");
  await followJob(runner.client, request, { enough: hasWritten("ready") });
  await runner.client.releaseJob(held(request));
  await runner.client.releaseJob(held(request));
  expect(existsSync(`${data.path}/jobs/${request.jobId}`)).toBe(false);
  expect(processesIn(`${data.path}/jobs/${request.jobId}`)).toEqual([]);
  expect(await refusal(followJob(runner.client, request))).toMatchObject({ code: Code.NotFound });
});

test.each([
  ["a repo_ref outside the rules", { repoRef: "https://127.0.0.1/o/n" }, Code.InvalidArgument, "spec.repo_ref"],
  ["no work", { work: { case: undefined } }, Code.InvalidArgument, "spec.work"],
  [
    "an unknown agent",
    { work: { case: "agent" as const, value: { agent: "nobody", prompt: "hi" } } },
    Code.FailedPrecondition,
    "spec.agent.agent",
  ],
  ["a reserved variable", { env: { LD_PRELOAD: "x" } }, Code.InvalidArgument, "spec.env"],
])("%s is refused and leaves nothing", async (_, spec, code, field) => {
  const request = startRequest("true", spec);
  expect(await refusal(runner.client.startJob(request))).toMatchObject({ code, field });
  expect(existsSync(`${data.path}/jobs/${request.jobId}`)).toBe(false);
});

test("a cursor past the newest event is out of range", async () => {
  const { request, events } = await run("true");
  const newest = events.at(-1)?.sequence ?? 0;
  expect(await followJob(runner.client, request, { after: newest })).toEqual([]);
  expect(await refusal(followJob(runner.client, request, { after: newest + 1 }))).toMatchObject({
    code: Code.OutOfRange,
  });
});

test("a stream may be taken up after every single event", async () => {
  const { request, events } = await run("for i in 1 2 3; do echo $i; sleep 0.01; done");
  for (const { sequence } of events) {
    const rest = await followJob(runner.client, request, { after: sequence });
    expect(rest).toEqual(events.filter((event) => event.sequence > sequence));
  }
});

test("50 MB arrive byte for byte, and acknowledging frees the spool", async () => {
  const { request, events, end } = await run("head -c 50000000 /dev/urandom | base64 -w 120 | head -c 50000000");
  const log = Buffer.concat(events.flatMap(({ payload }) => (payload.case === "log" ? [payload.value.data] : [])));
  expect(log.length).toBe(50_000_000);
  expect(end.stdout?.keptBytes).toBe(50_000_000n);
  expect(
    createHash("sha256")
      .update(log)
      .digest()
      .equals(end.stdout?.sha256 ?? Buffer.alloc(0)),
  ).toBe(true);
  const newest = events.at(-1)?.sequence ?? 0;
  await runner.client.ackEvents({ ...held(request), storedSequence: newest });
  const stream = runner.client.streamEvents({ ...held(request), afterSequence: 0 });
  for await (const { message } of stream) {
    if (message.case !== "verdict") break;
    expect(message.value).toMatchObject({ gap: { fromSequence: request.firstSequence }, storedSequence: newest });
    expect(message.value.oldestSequence).toBeGreaterThan(request.firstSequence);
  }
});

test("a watcher that does not read holds up neither the job nor another watcher", async () => {
  const request = await start("head -c 30000000 /dev/zero");
  const socket = await openStreamUnread(runner, request);
  const events = await followJob(runner.client, request);
  expect(logText(events)).toHaveLength(30_000_000);
  expect(endOf(events).outcome?.cause).toBe(EndCause.COMPLETED);
  socket.destroy();
});

test("past its limit a log keeps head and tail and says what is missing", async () => {
  const { events, end } = await run("seq 1 200000", { limits: { logBytes: 65_536n } });
  expect(end.stdout).toMatchObject({ bytes: 1_288_895n, keptBytes: 65_536n });
  expect(story(events).filter((word) => word === "logGap")).toHaveLength(1);
  const text = logText(events);
  expect([text.startsWith("1\n2\n3\n"), text.endsWith("199999\n200000\n")]).toEqual([true, true]);
  const last = events.findLast(({ payload }) => payload.case === "log")?.payload;
  if (last?.case !== "log") throw new Error("no log");
  const linesInside = Buffer.from(last.value.data).toString().split("\n").length - 1;
  expect(last.value.firstLine + linesInside - 1).toBe(200_000);
});

test("the runner says what it is and what it holds", async () => {
  const { request } = await run("true");
  const { info } = await runner.client.getRunner({});
  expect(info).toMatchObject({ name: "vm-1", version: "1.0.0", slots: 8 });
  expect(info?.isolation).toMatchObject({ kind: IsolationKind.BUBBLEWRAP, problem: "" });
  expect(info?.isolation?.walls.map(({ name, holds }) => [name, holds])).toEqual(wallNames.map((name) => [name, true]));
  expect(info?.executors.find(({ name }) => name === "task")).toMatchObject({ problem: "" });
  expect(info?.attempts.find(({ jobId }) => jobId === request.jobId)).toMatchObject({ attempt: 1, ended: true });
});

test("a draining runner takes no jobs until it is told to", async () => {
  await runner.client.drain({ draining: true });
  expect(await refusal(start("true"))).toMatchObject({ code: Code.Unavailable, reason: ProblemReason.RUNNER_DRAINING });
  expect((await runner.client.drain({ draining: false })).info?.draining).toBe(false);
  expect((await run("true")).end.outcome?.cause).toBe(EndCause.COMPLETED);
});

test("no more jobs run than there are slots, and an ended one makes room", async () => {
  const jobs = await Promise.all(Array.from({ length: 8 }, () => start("echo ready; sleep 600")));
  expect((await runner.client.getRunner({})).info?.usedSlots).toBe(8);
  expect(await refusal(start("true"))).toMatchObject({
    code: Code.ResourceExhausted,
    reason: ProblemReason.NO_FREE_SLOT,
  });
  await Promise.all(jobs.map((job) => runner.client.releaseJob(held(job))));
  expect((await runner.client.getRunner({})).info?.usedSlots).toBe(0);
  expect((await run("true")).end.outcome?.cause).toBe(EndCause.COMPLETED);
});

test("with its disk nearly full a runner takes no job, and says from when on it does", async () => {
  const own = makeDataDirectory();
  const full = await startRunner(own.path, { MIN_FREE_DISK_BYTES: String(2 ** 49) });
  expect(await refusal(full.client.startJob(startRequest("echo never")))).toMatchObject({
    code: Code.ResourceExhausted,
    reason: ProblemReason.DISK_LOW,
  });
  const { info } = await full.client.getRunner({});
  expect(info).toMatchObject({ minFreeDiskBytes: 2n ** 49n, usedSlots: 0, attempts: [] });
  await full.stop("SIGINT");
  own.remove();
});

test("a job that cannot be stored is refused, and no supervisor waits for it", async () => {
  const own = makeDataDirectory();
  const full = await startRunner(own.path);
  rmSync(`${own.path}/jobs`, { recursive: true });
  writeFileSync(`${own.path}/jobs`, "");
  for (let attempt = 0; attempt < 3; attempt += 1) {
    expect(await refusal(full.client.startJob(startRequest("true")))).toMatchObject({
      code: Code.ResourceExhausted,
      reason: ProblemReason.RUNNER_DRAINING,
    });
  }
  // The runner, its spawner and one spare.
  await vi.waitUntil(() => processesIn(own.path).length === 3, { timeout: 10_000 });
  rmSync(`${own.path}/jobs`);
  mkdirSync(`${own.path}/jobs`);
  const request = startRequest("true");
  await full.client.startJob(request);
  expect(endOf(await followJob(full.client, request)).outcome?.cause).toBe(EndCause.COMPLETED);
  await full.stop("SIGINT");
  own.remove();
});

test("a runner ends also when nobody reads its log any more", async () => {
  const directory = makeDataDirectory();
  const unread = await startRunner(directory.path);
  unread.stopReading();
  expect(await unread.stop("SIGINT")).toBe(0);
  directory.remove();
});
