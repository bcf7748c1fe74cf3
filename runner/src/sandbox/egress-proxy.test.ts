import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  type RequestListener,
  request as requestHttp,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, type Server } from "node:net";
import { tmpdir } from "node:os";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RefusalReason } from "#gen/job/v1/job_event_pb.js";
import { answerWithGit } from "../../../e2e/git/http-backend.ts";
import { makeIdentity } from "../../../e2e/tls/self-signed.ts";
import { openEgress } from "../../testing/open-egress.ts";

const run = promisify(execFile);
let directory: string;
let caFile: string;
const identity = makeIdentity(["host.example"]);
const servers = new Set<Server & { closeAllConnections(): void }>();

beforeEach(() => {
  directory = mkdtempSync(`${tmpdir()}/blazecraft-egress-`);
  caFile = `${directory}/ca.pem`;
  writeFileSync(caFile, identity.cert);
});
afterEach(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  servers.clear();
  rmSync(directory, { recursive: true });
});

/** host.example, as it listens on loopback. */
async function startHost(scheme: "http" | "https", listener: RequestListener): Promise<number> {
  const server = scheme === "https" ? createHttpsServer(identity, listener) : createHttpServer(listener);
  servers.add(server);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return (server.address() as AddressInfo).port;
}

function environment(proxyUrl: string): Record<string, string> {
  return {
    PATH: "/usr/local/bin:/usr/bin:/bin",
    HOME: directory,
    http_proxy: proxyUrl,
    HTTPS_PROXY: proxyUrl,
    HTTP_PROXY: proxyUrl,
    GIT_SSL_CAINFO: caFile,
    GIT_CONFIG_NOSYSTEM: "1",
    NODE_EXTRA_CA_CERTS: caFile,
    npm_config_cafile: caFile,
    npm_config_cache: `${directory}/npm-cache`,
    npm_config_fetch_retries: "0",
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_update_notifier: "false",
  };
}

test("curl reaches an allowed host by TLS, and no other", async () => {
  const port = await startHost("https", (request, response) => response.end(`hello from ${request.headers.host}`));
  await using egress = await openEgress({ allow: [`host.example:${port}`] });
  const curl = (url: string) => run("curl", ["-sS", "--cacert", caFile, url], { env: environment(egress.url) });
  expect((await curl(`https://host.example:${port}/`)).stdout).toBe(`hello from host.example:${port}`);
  await expect(curl("https://other.example/")).rejects.toMatchObject({ stderr: expect.stringContaining("403") });
  expect(egress.refusals).toMatchObject([{ host: "other.example", port: 443, reason: RefusalReason.NOT_ALLOWED }]);
});

test("a host may be allowed while clients try", async () => {
  const port = await startHost("https", (_, response) => response.end("hello"));
  await using egress = await openEgress({ allow: [] });
  const curl = () =>
    run("curl", ["-sS", "--cacert", caFile, `https://host.example:${port}/`], { env: environment(egress.url) });
  await expect(curl()).rejects.toMatchObject({ stderr: expect.stringContaining("403") });
  egress.policy.allow({ name: "host.example", scope: "itself", port });
  expect((await curl()).stdout).toBe("hello");
});

test("the answer to what is refused says how to allow it", async () => {
  await using egress = await openEgress({ allow: [] });
  const { stdout } = await run("curl", ["-s", "http://other.example/"], { env: environment(egress.url) });
  expect(stdout).toBe(`${egress.refusals[0]?.message}\n`);
  expect(stdout).toContain("other.example:80 is not among the hosts that this job may reach: allow it for this job");
});

test("git clones and pushes by TLS", async () => {
  await run("git", ["init", "-q", "--bare", "-b", "main", `${directory}/project.git`]);
  await run("git", ["-C", `${directory}/project.git`, "config", "http.receivepack", "true"]);
  const port = await startHost("https", (request, response) => {
    void answerWithGit(request, response, { folder: directory, user: "caller" });
  });
  await using egress = await openEgress({ allow: [`host.example:${port}`] });
  const env = environment(egress.url);
  const git = (...args: readonly string[]) => run("git", ["-C", `${directory}/work`, ...args], { env });
  await run("git", ["clone", "-q", `https://host.example:${port}/project.git`, `${directory}/work`], { env });
  writeFileSync(`${directory}/work/large`, randomBytes(3 << 20));
  await git("add", "large");
  await git("-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "Add");
  await git("push", "-q", "origin", "HEAD:main");
  const { stdout } = await run("git", ["-C", `${directory}/project.git`, "rev-list", "--count", "main"]);
  expect(stdout.trim()).toBe("1");
  expect(egress.refusals).toEqual([]);
});

test("npm installs by TLS", async () => {
  mkdirSync(`${directory}/small/package`, { recursive: true });
  writeFileSync(`${directory}/small/package/package.json`, JSON.stringify({ name: "small", version: "1.0.0" }));
  await run("tar", ["-C", `${directory}/small`, "-czf", `${directory}/small.tgz`, "package"]);
  const tarball = readFileSync(`${directory}/small.tgz`);
  const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`;
  const port = await startHost("https", (request, response) => {
    if (request.url === "/small.tgz") return response.end(tarball);
    const dist = { tarball: `https://${request.headers.host}/small.tgz`, integrity };
    const versions = { "1.0.0": { name: "small", version: "1.0.0", dist } };
    return response.end(JSON.stringify({ name: "small", "dist-tags": { latest: "1.0.0" }, versions }));
  });
  await using egress = await openEgress({ allow: [`host.example:${port}`] });
  mkdirSync(`${directory}/app`);
  writeFileSync(`${directory}/app/package.json`, "{}");
  const install = ["install", "small", "--registry", `https://host.example:${port}/`];
  await run("npm", install, { env: environment(egress.url), cwd: `${directory}/app` });
  expect(JSON.parse(readFileSync(`${directory}/app/node_modules/small/package.json`, "utf8"))).toMatchObject({
    name: "small",
  });
  expect(new Set(egress.resolved)).toEqual(new Set(["host.example"]));
  expect(egress.refusals).toEqual([]);
});

test("plain HTTP passes where a rule names its port, without what is meant for the proxy alone", async () => {
  let received: IncomingHttpHeaders | undefined;
  const port = await startHost("http", (request, response) => {
    received = request.headers;
    response.setHeader("Proxy-Authenticate", "Basic");
    response.setHeader("Connection", "X-Hop");
    response.setHeader("X-Hop", "1");
    response.setHeader("Set-Cookie", ["a=1", "b=2"]);
    response.end(request.url);
  });
  await using egress = await openEgress({ allow: [`host.example:${port}`] });
  const headers = ["Connection: X-Mine", "X-Mine: 1", "Proxy-Authorization: Basic a", "TE: trailers", "X-Kept: 2"];
  const { stdout } = await run(
    "curl",
    ["-sS", "-i", ...headers.flatMap((header) => ["-H", header]), `http://host.example:${port}/a%0d%0ab?c=1#d`],
    { env: environment(egress.url) },
  );
  expect(received).toMatchObject({ host: `host.example:${port}`, "x-kept": "2", connection: "close" });
  for (const name of ["x-mine", "proxy-authorization", "proxy-connection", "te"])
    expect(received).not.toHaveProperty(name);
  expect(stdout).toMatch(/\r\n\r\n\/a%0d%0ab\?c=1$/);
  expect(stdout.match(/^set-cookie: .*$/gim)).toHaveLength(2);
  expect(stdout).not.toMatch(/^(proxy-authenticate|x-hop):/im);
});

test.each([
  ["of known length", { "Content-Length": String(8 << 20) }],
  ["of unknown length", { "Transfer-Encoding": "chunked" }],
  ["that waits to be asked for", { "Content-Length": String(8 << 20), Expect: "100-continue" }],
])("a large body %s passes both ways as it is", async (_, headers) => {
  const port = await startHost("http", (request, response) => request.pipe(response));
  await using egress = await openEgress({ allow: [`host.example:${port}`] });
  const body = randomBytes(8 << 20);
  const sent = requestHttp({
    host: "127.0.0.1",
    port: egress.port,
    method: "POST",
    path: `http://host.example:${port}/`,
    headers: { Host: `host.example:${port}`, ...headers },
  });
  if ("Expect" in headers) {
    sent.flushHeaders();
    await once(sent, "continue");
  }
  sent.end(body);
  const [answer] = await once(sent, "response");
  const received = Buffer.concat(await answer.toArray());
  expect(received.equals(body)).toBe(true);
});

test("a body is passed on while it still comes", async () => {
  const port = await startHost("http", (request, response) => request.pipe(response));
  await using egress = await openEgress({ allow: [`host.example:${port}`] });
  const headers = { Host: `host.example:${port}` };
  const place = { host: "127.0.0.1", port: egress.port, path: `http://host.example:${port}/` };
  const sent = requestHttp({ ...place, method: "POST", headers });
  sent.write("first");
  const [answer] = await once(sent, "response");
  expect(String((await once(answer, "data"))[0])).toBe("first");
  sent.end("second");
  expect(await text(answer)).toBe("second");
});

test("a host that hangs up in its answer cuts the client's", async () => {
  const port = await startHost("http", (_, response) => {
    response.writeHead(200, { "Content-Length": "100" });
    response.write("part", () => response.destroy());
  });
  await using egress = await openEgress({ allow: [`host.example:${port}`] });
  const curl = run("curl", ["-sS", `http://host.example:${port}/`], { env: environment(egress.url) });
  await expect(curl).rejects.toMatchObject({ stdout: "part", code: 18 });
});

test("the end cuts every connection, and there are no more", async () => {
  const port = await startHost("https", () => undefined);
  await using egress = await openEgress({ allow: [`host.example:${port}`] });
  const silent = connect({ port: egress.port, host: "127.0.0.1" });
  const tunnel = connect({ port: egress.port, host: "127.0.0.1" });
  tunnel.write(`CONNECT host.example:${port} HTTP/1.1\r\nHost: host.example:${port}\r\n\r\n`);
  await once(tunnel, "data");
  const ends = Promise.all([silent, tunnel].map((socket) => text(socket)));
  await egress.proxy.close();
  expect(await ends).toEqual(["", ""]);
  expect(await text(connect({ port: egress.port, host: "127.0.0.1" }))).toBe("");
  expect(egress.refusals).toEqual([]);
});
