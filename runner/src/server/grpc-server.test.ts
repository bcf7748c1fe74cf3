import { execFile } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { endOf, followJob, startRequest } from "../../testing/jobs.ts";
import { makeDataDirectory, startRunner, type TestRunner } from "../../testing/start-runner.ts";

// Starting real processes takes its time on a busy machine.
vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const data = makeDataDirectory();
const buf = fileURLToPath(new URL("../../../node_modules/.bin/buf", import.meta.url));
const service = "blazecraft.runner.v1.RunnerService";
let runner: TestRunner;

beforeAll(async () => {
  runner = await startRunner(data.path, { GRPC_PORT: String(await freePort()) });
});

afterAll(async () => {
  await runner.stop("SIGINT");
  data.remove();
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** What the real tool prints, or what it complains of. */
async function bufCurl(args: readonly string[], path = ""): Promise<string> {
  const url = `http://${runner.grpcAddress}${path}`;
  const call = promisify(execFile)(buf, ["curl", "--http2-prior-knowledge", ...args, url], { cwd: data.path });
  return call.then(({ stdout }) => stdout).catch((error: { stderr: string }) => error.stderr);
}

const withToken = ["-H", `@${data.path}/grpc-token`];

test("the tool finds the service without a schema", async () => {
  expect(await bufCurl(["--list-services"])).toBe(
    ["blazecraft.runner.v1.RunnerService", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"]
      .concat("grpc.reflection.v1alpha.ServerReflection", "")
      .join("\n"),
  );
  expect(await bufCurl(["--list-methods", "--reflect-protocol", "grpc-v1alpha"])).toContain(`${service}/StartJob`);
});

test.each(["grpc", "grpcweb", "connect"])("health is open over %s", async (protocol) => {
  const answer = await bufCurl(["--protocol", protocol], "/grpc.health.v1.Health/Check");
  expect(JSON.parse(answer)).toEqual({ status: "SERVING" });
});

test.each(["grpc", "grpcweb", "connect"])("the service is served over %s to who has the token", async (protocol) => {
  expect(await bufCurl(["--protocol", protocol], `/${service}/GetRunner`)).toContain("unauthenticated");
  const answer = await bufCurl(["--protocol", protocol, ...withToken], `/${service}/GetRunner`);
  expect(JSON.parse(answer)).toMatchObject({ info: { name: "vm-1", version: "1.0.0" } });
});

test("an attempt's events stream to their end", async () => {
  const request = startRequest("echo hello");
  await runner.client.startJob(request);
  endOf(await followJob(runner.client, request));
  const body = JSON.stringify({ jobId: request.jobId, attempt: 1 });
  const answer = await bufCurl(["--protocol", "grpc", ...withToken, "-d", body], `/${service}/StreamEvents`);
  expect(answer).toContain('"outcome": "WATCH_OUTCOME_OK"');
  expect(answer).toContain(Buffer.from("hello\n").toString("base64"));
  expect(answer).toContain('"cause": "END_CAUSE_COMPLETED"');
});

test("requests are validated here too", async () => {
  const answer = await bufCurl([...withToken, "-d", '{"jobId":"nonsense","attempt":1}'], `/${service}/ReleaseJob`);
  expect(answer).toContain("invalid_argument");
});
