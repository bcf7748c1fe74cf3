import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { connect } from "node:tls";
import { expect, test } from "vitest";
import { parseClientHello } from "./client-hello.ts";

/** What Node's TLS client begins with. */
async function helloOf(servername: string): Promise<Buffer> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const arrived = once(server, "connection");
  const client = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", servername });
  client.on("error", () => undefined);
  const [socket] = (await arrived) as [Socket];
  const [bytes] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

const hello = await helloOf("git.Example.com");

test("the server name is read as lower case", () => {
  expect(parseClientHello(hello)).toEqual({ kind: "hello", serverName: "git.example.com" });
});

test("a client may name no server", async () => {
  expect(parseClientHello(await helloOf(""))).toEqual({ kind: "hello", serverName: undefined });
});

test("every beginning of it is partial, and what follows changes nothing", () => {
  for (let length = 0; length < hello.length; length += 1) {
    expect(parseClientHello(hello.subarray(0, length))).toEqual({ kind: "partial" });
  }
  expect(parseClientHello(Buffer.concat([hello, hello]))).toMatchObject({ serverName: "git.example.com" });
});

test("it may be spread over records", () => {
  const message = hello.subarray(5);
  const records = [];
  for (let at = 0; at < message.length; at += 7) {
    const part = message.subarray(at, at + 7);
    records.push(Buffer.from([22, 3, 1, 0, part.length]), part);
  }
  expect(parseClientHello(Buffer.concat(records))).toEqual({ kind: "hello", serverName: "git.example.com" });
});

test.each([
  ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n")],
  ["SSH", Buffer.from("SSH-2.0-OpenSSH\r\n")],
  ["another kind of record", Buffer.from([23, 3, 1, 0, 1, 0])],
  ["another handshake message", Buffer.from([22, 3, 1, 0, 4, 2, 0, 0, 0])],
  ["an empty record", Buffer.from([22, 3, 1, 0, 0])],
  ["a record that is too long", Buffer.from([22, 3, 1, 0xff, 0xff])],
  ["a message that is too long", Buffer.from([22, 3, 1, 0, 4, 1, 0xff, 0xff, 0xff])],
  ["a message that is too short for its fields", Buffer.from([22, 3, 1, 0, 5, 1, 0, 0, 1, 3])],
  ["two names", withName("a.example.com", "b.example.com")],
])("%s is none", (_, bytes) => {
  expect(parseClientHello(bytes)).toEqual({ kind: "malformed" });
});

test("a NUL in the name stays one", () => {
  expect(parseClientHello(withName("git.example.com\0.evil.com"))).toEqual({
    kind: "hello",
    serverName: "git.example.com\0.evil.com",
  });
});

/** A ClientHello with these names, and nothing else that matters. */
function withName(...names: readonly string[]): Buffer {
  const list = names.map((name) => Buffer.concat([Buffer.from([0]), sized(2, Buffer.from(name))]));
  const extension = Buffer.concat([Buffer.from([0, 0]), sized(2, sized(2, Buffer.concat(list)))]);
  const body = [Buffer.alloc(34), sized(1, Buffer.alloc(0)), sized(2, Buffer.alloc(2)), sized(1, Buffer.alloc(1))];
  const message = Buffer.concat([Buffer.from([1]), sized(3, Buffer.concat([...body, sized(2, extension)]))]);
  return Buffer.concat([Buffer.from([22, 3, 1]), sized(2, message)]);
}

function sized(size: 1 | 2 | 3, content: Buffer): Buffer {
  const length = Buffer.alloc(size);
  length.writeUIntBE(content.length, 0, size);
  return Buffer.concat([length, content]);
}
