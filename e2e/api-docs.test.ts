import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readCommands, runCommands } from "./guide/doc-commands.ts";
import { createTask } from "./system/jobs.ts";
import { finished, get, type RestJob } from "./system/rest.ts";
import { startSystem, type TestSystem } from "./system/start-system.ts";

let system: TestSystem;
/** A folder that jobs see: what lies in it tells them to go on. */
let gates: string;
beforeAll(async () => {
  gates = await mkdtemp(join(tmpdir(), "blazecraft-gates-"));
  await chmod(gates, 0o755);
  system = await startSystem({ runnerEnv: { JOB_READABLE: gates } });
});
afterAll(async () => {
  await system.stop();
  await rm(gates, { recursive: true });
});

/** What the blocks under a heading of docs/api.md print, in their order. */
async function run(heading: string, job = ""): Promise<readonly string[]> {
  const variables = {
    GATEWAY: system.gatewayUrl,
    JOB: job,
    RUNNER_GRPC: system.grpcAddress,
    RUNNER_DATA: join(system.stateFolder, "runner"),
  };
  const printed: string[] = [];
  for (const block of await readCommands(heading, "api.md")) printed.push(await runCommands(block, variables));
  return printed;
}

describe("the commands of docs/api.md", () => {
  test("create a job, follow it, read its log, repeat and delete it", async () => {
    const [created = ""] = await run("## Create a job");
    const job = JSON.parse(created) as RestJob;
    expect(job).toMatchObject({ status: "pending", command: "echo hello" });
    const [stream = "", resumed = ""] = await run("## Follow it", job.id);
    expect(stream).toMatch(/event: log\ndata: .*"message":"hello".*event: end\ndata: .*"status":"succeeded"/s);
    expect(resumed.split("\n").map((line) => JSON.parse(line).event)).toContain("end");
    const [tooLate = ""] = await run("## Let it reach a host", job.id);
    expect(JSON.parse(tooLate)).toMatchObject({ reason: "job_finished" });
    const [logs] = await run("## Read its log", job.id);
    expect(logs).toMatch(/^hello\n\d{4}-.* hello$/);

    const [answers = ""] = await run("## Find, stop, repeat, delete", job.id);
    const [list, shown, retried, refused] = answers.split(/(?<=\})(?=\{)/).map((text) => JSON.parse(text));
    expect([list, shown]).toMatchObject([{ jobs: [] }, { id: job.id, status: "succeeded" }]);
    expect([retried, refused]).toMatchObject([{ retry_of: job.id }, { reason: "job_finished" }]);
    expect((await get(system, `/api/jobs/${job.id}`)).status).toBe(404);
  });

  test("take files out of a job", async () => {
    const [created = ""] = await run("## Take files out of it");
    const { id } = JSON.parse(created) as RestJob;
    await finished(system, id);
    const [, answers = ""] = await run("## Take files out of it", id);
    const [list = "", content] = answers.split(/(?<=\]\})/);
    expect(JSON.parse(list)).toMatchObject({ artifacts: [{ path: "out/report", size: 5 }] });
    expect(content).toBe("done");
  });

  test("give an agent files", async () => {
    const [answers = ""] = await run("## Give an agent files");
    const [file, job] = answers.split(/(?<=\})(?=\{)/).map((text) => JSON.parse(text));
    expect(job).toMatchObject({ type: "claude", attachments: [{ sha256: file.sha256, name: "README.md" }] });
  });

  test("decide by rule", async () => {
    const [answers = ""] = await run("## Decide by rule");
    const [tried, stored, listed] = answers.split(/(?<=\})(?=\{)/).map((text) => JSON.parse(text));
    expect(tried).toMatchObject({ rule: { id: "", rule: "Bash(npm test:*)" }, asks: [] });
    expect(stored).toMatchObject({ rule: { verdict: "allow", repository: "acme/api", lifetime_ms: 3_600_000 } });
    expect(listed).toEqual({ rules: [stored.rule] });
  });

  test("see what was spent", async () => {
    const [answer = ""] = await run("## See what was spent");
    expect(answer).toMatch(/^\{"rows":\[\],"total":\{.*\}\}repository,jobs,.*,cost_usd,estimated$/);
  });

  test("repeat a request safely, and show an error", async () => {
    const answers = await Promise.all([1, 2, 3].map(() => run("## Repeat a request safely")));
    expect(new Set(answers.map(([answer = ""]) => JSON.parse(answer).id)).size).toBe(1);
    const [problem = ""] = await run("## Errors");
    const documented = await readFile(join(import.meta.dirname, "../docs/api.md"), "utf8");
    const [, shown = ""] = /^```json\n(.*?)^```$/ms.exec(documented) ?? [];
    expect({ ...JSON.parse(problem), request_id: "…" }).toEqual(JSON.parse(shown));
  });

  test("call with buf curl, the runner's gRPC too", async () => {
    const { id } = await createTask(system, "echo hello");
    await finished(system, id);
    const [created = "", watched = "", runner = ""] = await run("## With buf curl", id);
    expect(JSON.parse(created)).toMatchObject({ job: { status: { state: "JOB_STATE_PENDING" } } });
    expect(watched).toContain(`"data": "${btoa("hello\n")}"`);
    expect(watched.lastIndexOf("JOB_STATE_SUCCEEDED")).toBeGreaterThan(watched.lastIndexOf("attemptEnded"));
    expect(runner).toMatch(/^blazecraft\.runner\.v1\.RunnerService\n.*"status": "SERVING".*"name": "vm-1"/s);
  });

  test("run the example program", async () => {
    expect(await run("## With a generated client")).toEqual(["hello"]);
  });
});

test("buf curl creates and watches over gRPC-Web as well", async () => {
  const call = async (method: string, request: object) => {
    const url = `${system.gatewayUrl}/blazecraft.job.v1.JobService/${method}`;
    const command = `buf curl --schema proto --protocol grpcweb -d '${JSON.stringify(request)}' ${url}`;
    return await runCommands(command, {});
  };
  const { job } = JSON.parse(await call("CreateJob", { spec: { repoRef: "test", task: { command: "echo hello" } } }));
  const watched = await call("WatchJob", { id: job.id });
  expect(watched).toContain(`"data": "${btoa("hello\n")}"`);
  expect(watched).toContain("JOB_STATE_SUCCEEDED");
});

test("the example program goes on after the gateway was killed, and ends with the command's exit code", async () => {
  const gate = join(gates, "gate");
  const command = `echo one; until [ -e ${gate} ]; do sleep 0.05; done; echo two; exit 3`;
  const program = join(import.meta.dirname, "../docs/examples/watch-job.ts");
  const child = spawn(process.execPath, [program, system.gatewayUrl, command], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const closed = once(child, "close");
  await expect.poll(() => printed, { timeout: 20_000 }).toBe("one\n");
  await system.gateway.kill("SIGKILL");
  await writeFile(gate, "");
  await system.gateway.start();
  expect([...(await closed), printed]).toEqual([3, null, "one\ntwo\n"]);
});
