import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { RefusalReason } from "#gen/job/v1/job_event_pb.js";
import { openEgress } from "../../testing/open-egress.ts";

/** What nothing may reach. */
let host: Server;
let port: number;
let connections: Socket[];
let bytes: number;

beforeAll(async () => {
  host = createServer((socket) => {
    connections.push(socket);
    socket.on("data", (chunk) => {
      bytes += chunk.length;
    });
    socket.on("error", () => undefined);
  });
  await new Promise<void>((listening) => host.listen(0, "127.0.0.1", listening));
  port = (host.address() as AddressInfo).port;
});
beforeEach(() => {
  connections = [];
  bytes = 0;
});
afterAll(() => {
  host.close();
});

/** Says this to a proxy, and answers all that comes back. */
async function say(proxyPort: number, ...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect({ port: proxyPort, host: "127.0.0.1" });
  for (const part of parts) socket.write(part);
  return text(socket);
}

const { NOT_ALLOWED, PRIVATE_ADDRESS, UNREACHABLE, MALFORMED } = RefusalReason;

// PORT is where the host listens: "github.com" on it is allowed, and every name leads there.
test.each([
  // Names that are not allowed.
  ["CONNECT evil.com:PORT", 403, NOT_ALLOWED],
  ["CONNECT EVIL.COM:PORT", 403, NOT_ALLOWED],
  ["CONNECT evil-github.com:PORT", 403, NOT_ALLOWED],
  ["CONNECT github.com.evil.com:PORT", 403, NOT_ALLOWED],
  ["CONNECT gist.github.com:PORT", 403, NOT_ALLOWED],
  ["CONNECT localhost:PORT", 403, NOT_ALLOWED],
  ["CONNECT metadata.google.internal:80", 403, NOT_ALLOWED],
  ["GET http://evil.com:PORT/", 403, NOT_ALLOWED],
  // Ports that are not allowed.
  ["CONNECT github.com:22", 403, NOT_ALLOWED],
  ["CONNECT github.com:80", 403, NOT_ALLOWED],
  ["GET http://github.com/", 403, NOT_ALLOWED],
  // Addresses.
  ["CONNECT 127.0.0.1:PORT", 400, MALFORMED],
  ["CONNECT 2130706433:PORT", 400, MALFORMED],
  ["CONNECT 0x7f000001:PORT", 400, MALFORMED],
  ["CONNECT 0x7F.0.0.1:PORT", 400, MALFORMED],
  ["CONNECT 0177.0.0.1:PORT", 400, MALFORMED],
  ["CONNECT 127.1:PORT", 400, MALFORMED],
  ["CONNECT 0:PORT", 400, MALFORMED],
  ["CONNECT 0.0.0.0:PORT", 400, MALFORMED],
  ["CONNECT 169.254.169.254:80", 400, MALFORMED],
  ["CONNECT [::1]:PORT", 400, MALFORMED],
  ["CONNECT [::ffff:127.0.0.1]:PORT", 400, MALFORMED],
  ["CONNECT ::1:PORT", 400, MALFORMED],
  ["CONNECT [fe80::1%25lo]:PORT", 400, MALFORMED],
  ["GET http://127.0.0.1:PORT/", 400, MALFORMED],
  ["GET http://2130706433:PORT/", 400, MALFORMED],
  ["GET http://[::1]:PORT/", 400, MALFORMED],
  // Spellings.
  ["CONNECT github.com.:PORT", 400, MALFORMED],
  ["CONNECT .github.com:PORT", 400, MALFORMED],
  ["CONNECT github..com:PORT", 400, MALFORMED],
  ["CONNECT github.com%00.evil.com:PORT", 400, MALFORMED],
  ["CONNECT github.com%0d%0a:PORT", 400, MALFORMED],
  ["CONNECT github.com%2eevil.com:PORT", 400, MALFORMED],
  ["CONNECT user@github.com:PORT", 400, MALFORMED],
  ["CONNECT github.com/:PORT", 400, MALFORMED],
  ["CONNECT *.github.com:PORT", 400, MALFORMED],
  ["CONNECT github.com:", 400, MALFORMED],
  ["CONNECT github.com", 400, MALFORMED],
  ["CONNECT github.com:0", 400, MALFORMED],
  ["CONNECT github.com:99999", 400, MALFORMED],
  ["CONNECT github.com:0PORT", 400, MALFORMED],
  ["CONNECT github.com:PORT:443", 400, MALFORMED],
  ["CONNECT http://github.com:PORT", 400, MALFORMED],
  [`CONNECT ${"a".repeat(20_000)}.com:PORT`, 400, MALFORMED],
  ["GET http://github.com:PORT@evil.com/", 400, MALFORMED],
  ["GET http://user:password@github.com:PORT/", 400, MALFORMED],
  ["GET http://github.com%00.evil.com:PORT/", 400, MALFORMED],
  ["GET https://github.com:PORT/", 400, MALFORMED],
  ["GET ftp://github.com:PORT/", 400, MALFORMED],
  ["GET /", 400, MALFORMED],
  ["GET http:///etc/passwd", 400, MALFORMED],
  ["OPTIONS *", 400, MALFORMED],
])("%s is refused, before anything is resolved or connected to", async (line, status, reason) => {
  await using egress = await openEgress({ allow: [`github.com:${port}`] });
  const request = line.replace("PORT", String(port));
  const host = /^GET http:\/\/([^/@#]+)\//.exec(request)?.[1] ?? "github.com";
  const answered = await say(egress.port, Buffer.from(`${request} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, "latin1"));
  expect(answered).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(egress.refusals).toMatchObject([{ reason }]);
  expect(egress.refusals[0]?.host).toMatch(/^[ -~]{0,255}$/);
  expect(egress.resolved).toEqual([]);
  expect(connections).toEqual([]);
});

// What the parser of HTTP does not take names no host that could be told.
test.each([
  ["a NUL in the name", "CONNECT github.com\0.evil.com:PORT HTTP/1.1\r\nHost: github.com\r\n\r\n", 400],
  ["a line break in the name", "CONNECT github.com\n:PORT HTTP/1.1\r\nHost: github.com\r\n\r\n", 400],
  ["a fragment before the name", "CONNECT evil.com#@github.com:PORT HTTP/1.1\r\nHost: github.com\r\n\r\n", 400],
  ["a fragment in a URL", "GET http://evil.com#@github.com:PORT/ HTTP/1.1\r\nHost: evil.com\r\n\r\n", 400],
  ["a backslash in the name", "CONNECT github.com\\.evil.com:PORT HTTP/1.1\r\nHost: github.com\r\n\r\n", 400],
  ["a soft hyphen in the name", "CONNECT github\u00ad.com:PORT HTTP/1.1\r\nHost: github.com\r\n\r\n", 400],
  ["a NUL in a header", "CONNECT github.com:PORT HTTP/1.1\r\nHost: github.com\r\nA: b\0c\r\n\r\n", 400],
  ["a bare line feed", "GET http://github.com:PORT/ HTTP/1.1\nHost: github.com:PORT\n\n", 400],
  ["a folded header", "GET http://github.com:PORT/ HTTP/1.1\r\nHost: github.com:PORT\r\nA: b\r\n c: d\r\n\r\n", 400],
  [
    "both lengths",
    "POST http://github.com:PORT/ HTTP/1.1\r\nHost: github.com:PORT\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    400,
  ],
  [
    "two lengths",
    "POST http://github.com:PORT/ HTTP/1.1\r\nHost: github.com:PORT\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    400,
  ],
  ["no Host", "GET http://github.com:PORT/ HTTP/1.1\r\n\r\n", 400],
  ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n", 400],
  ["SOCKS", "\x05\x01\x00", 400],
  ["TLS", "\x16\x03\x01\x02\x00\x01", 400],
  ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ["a huge header", `CONNECT github.com:PORT HTTP/1.1\r\nHost: github.com\r\nA: ${"a".repeat(64 * 1024)}\r\n\r\n`, 431],
  ["many headers", `CONNECT github.com:PORT HTTP/1.1\r\nHost: github.com\r\n${"a: b\r\n".repeat(20_000)}\r\n`, 431],
])("%s is no request", async (_, request, status) => {
  await using egress = await openEgress({ allow: [`github.com:${port}`] });
  const answered = await say(egress.port, Buffer.from(request.replaceAll("PORT", String(port)), "latin1"));
  expect(answered).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(connections).toEqual([]);
});

test.each([
  ["another Host", "Host: evil.com"],
  ["another port in its Host", "Host: github.com:1"],
  ["two Hosts", "Host: github.com:PORT\r\nHost: github.com:PORT"],
  ["a coding besides chunked", "Host: github.com:PORT\r\nTransfer-Encoding: gzip, chunked"],
])("an allowed request with %s is refused", async (_, headers) => {
  await using egress = await openEgress({ allow: [`github.com:${port}`] });
  const request = `GET http://github.com:PORT/ HTTP/1.1\r\n${headers}\r\n\r\n`;
  expect(await say(egress.port, request.replaceAll("PORT", String(port)))).toMatch(/^HTTP\/1\.1 400 /);
  expect(egress.refusals).toMatchObject([{ host: "github.com", port, reason: MALFORMED }]);
  expect(connections).toEqual([]);
});

test.each([
  ["loopback", ["127.0.0.1"]],
  ["loopback inside IPv6", ["::ffff:127.0.0.1", "64:ff9b::7f00:1"]],
  ["a private network", ["10.0.0.1", "fd00::1"]],
  ["a cloud's metadata", ["169.254.169.254"]],
])("an allowed name that leads to %s is refused", async (_, addresses) => {
  await using egress = await openEgress({ allow: [`github.com:${port}`], exempt: [], resolve: async () => addresses });
  expect(await say(egress.port, connectTo("github.com"))).toMatch(/^HTTP\/1\.1 403 /);
  expect(egress.refusals).toMatchObject([{ host: "github.com", port, reason: PRIVATE_ADDRESS }]);
  expect(connections).toEqual([]);
});

test("a name is resolved once: an answer that turns private is not asked for", async () => {
  const answers = [["127.0.0.1"], ["127.0.0.2"]];
  await using egress = await openEgress({
    allow: [`github.com:${port}`],
    exempt: ["127.0.0.1"],
    resolve: async () => answers.shift() ?? [],
  });
  const socket = connect({ port: egress.port, host: "127.0.0.1" });
  socket.write(connectTo("github.com"));
  expect(String((await once(socket, "data"))[0])).toMatch(/^HTTP\/1\.1 200 /);
  expect(connections.map(({ localAddress }) => localAddress)).toEqual(["127.0.0.1"]);
  expect(egress.resolved).toEqual(["github.com"]);
  socket.destroy();
});

test("of the addresses of a name only those of the internet are tried", async () => {
  await using egress = await openEgress({
    allow: [`github.com:${port}`],
    exempt: ["127.0.0.1"],
    resolve: async () => ["127.0.0.2", "10.0.0.1", "127.0.0.1"],
  });
  const socket = connect({ port: egress.port, host: "127.0.0.1" });
  socket.write(connectTo("github.com"));
  expect(String((await once(socket, "data"))[0])).toMatch(/^HTTP\/1\.1 200 /);
  expect(connections.map(({ localAddress }) => localAddress)).toEqual(["127.0.0.1"]);
  socket.destroy();
});

test.each([
  ["another name", "evil.com"],
  ["a name below", "gist.github.com"],
  ["no name", ""],
])("a tunnel whose TLS asks for %s carries nothing", async (_, servername) => {
  await using egress = await openEgress({ allow: [`github.com:${port}`] });
  const socket = connect({ port: egress.port, host: "127.0.0.1" });
  socket.write(connectTo("github.com"));
  await once(socket, "data");
  const [error] = await once(connectTls({ socket, servername }), "error");
  expect(error).toMatchObject({ message: expect.stringMatching(/unrecognized name/i) });
  expect(egress.refusals).toMatchObject([{ host: "github.com", port, reason: MALFORMED }]);
  expect(bytes).toBe(0);
});

test.each([
  ["HTTP", "GET / HTTP/1.1\r\nHost: evil.com\r\n\r\n"],
  ["SSH", "SSH-2.0-OpenSSH_9.2\r\n"],
])("a tunnel carries no %s", async (_, first) => {
  await using egress = await openEgress({ allow: [`github.com:${port}`] });
  expect(await say(egress.port, connectTo("github.com") + first)).toBe("HTTP/1.1 200 Connection established\r\n\r\n");
  expect(egress.refusals).toMatchObject([{ host: "github.com", port, reason: MALFORMED }]);
  expect(bytes).toBe(0);
});

test("a client that says nothing, or is slow to, is cut", async () => {
  await using egress = await openEgress({ allow: [`github.com:${port}`], limits: { headMs: 50 } });
  const silent = await say(egress.port);
  const slow = await say(egress.port, "CONNECT git");
  const inTunnel = await say(egress.port, connectTo("github.com"));
  expect(silent).toMatch(/^HTTP\/1\.1 408 /);
  expect(slow).toMatch(/^HTTP\/1\.1 408 /);
  expect(inTunnel).toBe("HTTP/1.1 200 Connection established\r\n\r\n");
  expect(bytes).toBe(0);
});

test("a host that is not found, or does not answer, is told of", async () => {
  await using unknown = await openEgress({
    allow: ["github.com"],
    resolve: () => Promise.reject(new Error("ENOTFOUND")),
  });
  await using closed = await openEgress({ allow: ["github.com:1"] });
  await using silent = await openEgress({
    allow: ["github.com"],
    resolve: () => new Promise(() => undefined),
    limits: { connectMs: 50 },
  });
  for (const [egress, place] of [
    [unknown, 443],
    [closed, 1],
    [silent, 443],
  ] as const) {
    const answered = await say(egress.port, `CONNECT github.com:${place} HTTP/1.1\r\nHost: github.com\r\n\r\n`);
    expect(answered).toMatch(/^HTTP\/1\.1 502 /);
    expect(egress.refusals).toMatchObject([{ host: "github.com", reason: UNREACHABLE }]);
  }
});

test("there is an end to connections at once", async () => {
  await using egress = await openEgress({ allow: [], limits: { connections: 2 } });
  const held = [connect({ port: egress.port, host: "127.0.0.1" }), connect({ port: egress.port, host: "127.0.0.1" })];
  await Promise.all(held.map((socket) => once(socket, "connect")));
  expect(await say(egress.port)).toMatch(/^HTTP\/1\.1 503 /);
  for (const socket of held) socket.destroy();
});

test("a second request on a connection is not served", async () => {
  await using egress = await openEgress({ allow: [] });
  const request = "GET http://evil.com/ HTTP/1.1\r\nHost: evil.com\r\n\r\n";
  const answered = await say(egress.port, request + request);
  expect(answered.match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
  expect(egress.refusals).toHaveLength(1);
});

test("a tunnel cannot be asked for behind another request", async () => {
  await using egress = await openEgress({ allow: [`github.com:${port}`] });
  const request = "GET http://evil.com/ HTTP/1.1\r\nHost: evil.com\r\n\r\n";
  const answered = await say(egress.port, request + connectTo("github.com")).catch(() => "");
  expect(answered).not.toContain("200");
  expect(egress.resolved).toEqual([]);
});

test("what a client wanted that left is no refusal", async () => {
  const asked = Promise.withResolvers<void>();
  const found = Promise.withResolvers<readonly string[]>();
  await using egress = await openEgress({
    allow: [`github.com:${port}`],
    resolve: () => {
      asked.resolve();
      return found.promise;
    },
  });
  const socket = connect({ port: egress.port, host: "127.0.0.1" });
  socket.write(connectTo("github.com"));
  await asked.promise;
  await egress.proxy.close();
  found.resolve(["127.0.0.1"]);
  await found.promise;
  expect(egress.refusals).toEqual([]);
  expect(connections).toEqual([]);
});

function connectTo(name: string): string {
  return `CONNECT ${name}:${port} HTTP/1.1\r\nHost: ${name}:${port}\r\n\r\n`;
}
