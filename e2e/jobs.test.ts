import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import { JobState } from "#gen/job/v1/job_pb.js";
import { JobService, type ListJobsResponse, type ReadLogRequest } from "#gen/job/v1/job_service_pb.js";
import { createTask, isOver, logText, readJob, type SpecInit, story, watchToEnd } from "./system/jobs.ts";
import { startSystem, type TestSystem } from "./system/start-system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await startSystem({ runnerEnv: { MAX_CONCURRENT_JOBS: "8", ANTHROPIC_API_KEY: "the-runner's-own-key" } });
});
afterAll(() => system.stop());

/** What a command printed on one stream, its job being over. */
async function runTask(command: string, spec: SpecInit = {}, stream = LogStream.STDOUT): Promise<string> {
  const { id } = await createTask(system, command, spec);
  return logText(await watchToEnd(system, id), stream);
}

describe.concurrent("JobService", () => {
  test("tells a task's story in order", async () => {
    const { id } = await createTask(system, "echo hello");
    const events = await watchToEnd(system, id);
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
    expect(story(events)[0]).toBe("PENDING");
    expect(story(events).filter((word) => word !== "PENDING")).toEqual([
      ...["RUNNING", "phaseChanged", "scratch", "phaseChanged", "started", "log", "exited"],
      ...["phaseChanged", "attemptEnded", "SUCCEEDED"],
    ]);
    expect(await readJob(system, id)).toMatchObject({
      status: { state: JobState.SUCCEEDED },
      placement: { runner: "vm-1", attempt: 1 },
      newestSequence: events.length,
      log: { bytes: 6n, lines: 1 },
      suspect: false,
    });
  });

  test.for(["Connect with JSON", "gRPC-Web"])(
    "serves the same events over %s, after every number",
    async (protocol) => {
      const { id } = await createTask(system, "echo one; echo two >&2; sleep 0.05; echo three");
      const all = await watchToEnd(system, id);
      expect(all.length).toBeGreaterThan(10);
      const transport = protocol === "gRPC-Web" ? createGrpcWebTransport : createConnectTransport;
      const jobs = createClient(JobService, transport({ baseUrl: system.gatewayUrl }));
      const watches = all.slice(0, -1).map(async ({ sequence: after }) => {
        const rests = [watchToEnd({ ...system, jobs }, id, { after }), watchToEnd(system, id, { after })];
        for (const rest of await Promise.all(rests)) expect(rest).toEqual(all.slice(after));
      });
      await Promise.all(watches);
      expect(await watchToEnd({ ...system, jobs }, id)).toEqual(all);
    },
  );

  test("lets a reader come in at any moment while the job writes", async () => {
    const { id } = await createTask(system, 'i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo "line $i"; done');
    const watches = Array.from({ length: 10 }, async (_, index) => {
      const enough = (events: readonly { sequence: number }[]) => (events.at(-1)?.sequence ?? 0) > index;
      const head = await watchToEnd(system, id, { enough });
      const after = head.at(-1)?.sequence ?? 0;
      const rest = isOver(head) ? [] : await watchToEnd(system, id, { after });
      return logText([...head, ...rest]);
    });
    const expected = Array.from({ length: 100 }, (_, index) => `line ${index + 1}\n`).join("");
    expect(new Set(await Promise.all(watches))).toEqual(new Set([expected]));
  });

  test("makes one job of twenty creations with one key", async () => {
    const work = { case: "task", value: { invocation: { case: "command", value: "echo once" } } } as const;
    const spec = { repoRef: "test", work, labels: { kind: "once" } };
    const create = () => system.jobs.createJob({ spec, idempotencyKey: "one-of-twenty" });
    const answers = await Promise.all(Array.from({ length: 20 }, create));
    expect(new Set(answers.map(({ job }) => job?.id)).size).toBe(1);
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(logText(await watchToEnd(system, answers[0]?.job?.id ?? ""))).toBe("once\n");
    expect((await system.jobs.listJobs({ labels: ["kind=once"] })).jobs).toHaveLength(1);
    const other = system.jobs.createJob({ spec: { ...spec, priority: 1 }, idempotencyKey: "one-of-twenty" });
    await expect(other).rejects.toMatchObject({ code: Code.AlreadyExists });
  });

  test("lists by page and by filter, the newest first", async () => {
    const created = [];
    for (const name of ["a", "b", "c", "d", "e"]) {
      created.unshift(
        await createTask(system, `echo ${name}`, { name: `Page ${name}`, labels: { kind: "paged", name } }),
      );
    }
    await Promise.all(created.map(({ id }) => watchToEnd(system, id)));
    const pages: ListJobsResponse[] = [];
    do {
      const pageToken = pages.at(-1)?.nextPageToken ?? "";
      pages.push(await system.jobs.listJobs({ pageSize: 2, pageToken, labels: ["kind=paged"] }));
    } while (pages.at(-1)?.nextPageToken);
    expect(pages.map(({ jobs }) => jobs.length)).toEqual([2, 2, 1]);
    expect(pages.flatMap(({ jobs }) => jobs.map(({ id }) => id))).toEqual(created.map(({ id }) => id));

    const oldest = created.at(-1)?.createTime;
    const newest = created[0]?.createTime;
    if (oldest === undefined || newest === undefined) throw new Error("a job has no create_time");
    const afterNewest = timestampFromDate(new Date(timestampDate(newest).getTime() + 1));
    const counts = await Promise.all(
      [
        { query: "page C" },
        { labels: ["name=c"] },
        { labels: ["name"] },
        { states: [JobState.SUCCEEDED] },
        { states: [JobState.FAILED, JobState.RUNNING] },
        { type: "task" },
        { type: "claude" },
        { runner: "vm-1" },
        { runner: "another" },
        { createdBefore: oldest },
        { createdAfter: oldest, createdBefore: afterNewest },
      ].map(async (filter) => {
        const labels = ["kind=paged", ...(filter.labels ?? [])];
        return (await system.jobs.listJobs({ ...filter, labels })).jobs.length;
      }),
    );
    expect(counts).toEqual([1, 1, 5, 5, 0, 5, 0, 5, 0, 0, 5]);
  });

  test("tells a watcher of the list what becomes of each job", async () => {
    const { revision } = await system.jobs.listJobs({ pageSize: 1 });
    const { id } = await createTask(system, "true");
    await watchToEnd(system, id);
    const states = new Set<string>();
    const stop = new AbortController();
    for await (const { message } of system.jobs.watchJobs({ afterRevision: revision }, { signal: stop.signal })) {
      if (message.case === "deletedId" && message.value === id) break;
      if (message.case !== "job" || message.value.id !== id) continue;
      const state = message.value.status?.state ?? 0;
      states.add(JobState[state] ?? "");
      if (state === JobState.SUCCEEDED) await system.jobs.deleteJob({ id });
    }
    stop.abort();
    expect([...states].at(-1)).toBe("SUCCEEDED");
  });

  test("reads a log by line, from its end, and by search", async () => {
    const command = 'i=0; while [ $i -lt 40 ]; do i=$((i+1)); echo "Line $i"; done; echo "a fault" >&2';
    const { id } = await createTask(system, command);
    await watchToEnd(system, id);
    const read = async (request: Partial<Omit<ReadLogRequest, "$typeName" | "$unknown">>) => {
      const { lines, totalLines } = await system.jobs.readLog({ id, ...request });
      expect(totalLines).toBe(41);
      return lines.map(({ text }) => Buffer.from(text).toString());
    };
    const numbered = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, index) => `Line ${from + index}`);
    expect(await read({ toLine: 40, stream: LogStream.STDOUT })).toEqual(numbered(1, 40));
    expect(await read({ fromLine: 7, toLine: 9 })).toEqual(numbered(7, 9));
    expect(await read({ tail: 3, stream: LogStream.STDOUT })).toEqual(numbered(38, 40));
    expect(await read({ stream: LogStream.STDERR })).toEqual(["a fault"]);
    expect(await read({ search: "line 1" })).toEqual(["Line 1", ...numbered(10, 19)]);
    expect(await read({ search: "line 1", matchCase: true })).toEqual([]);
    expect(await read({ search: "^Line [12]?5$", regex: true })).toEqual(["Line 5", "Line 15", "Line 25"]);
    expect(await read({ search: "^Line [12]?5$" })).toEqual([]);
    expect(await read({ search: "line", tail: 2 })).toEqual(numbered(39, 40));
    const first = await system.jobs.readLog({ id, pageSize: 30 });
    const second = await system.jobs.readLog({ id, pageSize: 30, pageToken: first.nextPageToken });
    expect([...first.lines, ...second.lines].map(({ number }) => number)).toEqual(
      Array.from({ length: 41 }, (_, index) => index + 1),
    );
    expect([first.lines.length, second.nextPageToken]).toEqual([30, ""]);
  });

  test("gives a job its own environment and nothing of the runner's", async () => {
    const printed = await runTask("env", { env: { GREETING: "good\nmorning", EMPTY: "" } });
    expect(printed).toContain("GREETING=good\nmorning\n");
    expect(printed).toContain("EMPTY=\n");
    expect(printed).not.toContain(system.secret);
    expect(printed).not.toContain("the-runner's-own-key");
    const names = printed.match(/^[A-Za-z_]+(?==)/gm) ?? [];
    expect(names.filter((name) => /SECRET|TOKEN|KEY|GATEWAY|DATA_DIR/.test(name))).toEqual([]);
    expect(names).toEqual(expect.arrayContaining(["PATH", "HOME", "TMPDIR", "BLAZECRAFT_JOB_ID"]));
  });

  test("passes arguments on as they are", async () => {
    const args = ["printf", "<%s>", "two words", "", "$HOME;`id`", "ünï", "-n"];
    const { job } = await system.jobs.createJob({
      spec: { repoRef: "test", work: { case: "task", value: { invocation: { case: "argv", value: { args } } } } },
    });
    expect(logText(await watchToEnd(system, job?.id ?? ""))).toBe("<two words><><$HOME;`id`><ünï><-n>");
  });

  test.for([
    ["reads an empty standard input", "cat; echo read", "read\n", ""],
    ["may open its own output by name", "echo out > /dev/stdout; echo fault > /dev/stderr", "out\n", "fault\n"],
    ["may append to its own output by name", "echo out >> /dev/stdout; echo fault >> /dev/stderr", "out\n", "fault\n"],
    ["works in an empty folder that it may write to", "ls -A; echo kept > file; cat file", "kept\n", ""],
    ["may print what is no text", "printf '\\303\\050\\000ok'", "\ufffd(\0ok", ""],
  ] as const)("a command %s", async ([, command, stdout, stderr]) => {
    const { id } = await createTask(system, command);
    const events = await watchToEnd(system, id);
    expect([logText(events), logText(events, LogStream.STDERR)]).toEqual([stdout, stderr]);
  });

  test("an unknown job is not found by any call", async () => {
    const id = "job_0000000000000000";
    const { jobs } = system;
    const watch = async () => {
      for await (const message of jobs.watchJob({ id })) throw new Error(`${message.message.case} came`);
    };
    const calls = [
      ...[jobs.getJob({ id }), jobs.cancelJob({ id }), jobs.retryJob({ id }), jobs.deleteJob({ id })],
      ...[jobs.readLog({ id }), watch()],
    ];
    const answers = await Promise.allSettled<unknown>(calls);
    expect(answers.map((answer) => answer.status === "rejected" && ConnectError.from(answer.reason).code)).toEqual(
      calls.map(() => Code.NotFound),
    );
  });
});
