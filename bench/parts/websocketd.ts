import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { delimiter, join } from "node:path";
import { cpuMs, residentMib } from "./process-cost.ts";
import { startProgram } from "./program.ts";
import type { Route } from "./route.ts";

/** A peer's route, and how large its server is. */
export interface PeerRoute extends Route {
  residentMib(): number;
}

/** The peer: websocketd, which pipes a program's bytes into a WebSocket. Undefined where it is not installed. */
export async function openWebsocketd(argv: readonly string[]): Promise<PeerRoute | undefined> {
  const path = findProgram("websocketd");
  if (path === undefined) return undefined;
  const port = await freePort();
  const program = await startProgram({
    argv: [path, `--port=${port}`, "--address=127.0.0.1", "--binary=true", "--loglevel=info", ...argv],
    readyFd: 1,
    ready: (line) => (line.includes("Starting WebSocket server") ? line : undefined),
    stopSignal: "SIGTERM",
  });
  return {
    run: (take) => readWebSocket(port, take),
    cpuMs: () => ({ "websocketd and its jobs": cpuMs([program.pid], { withChildren: true }) }),
    residentMib: () => residentMib(program.pid),
    close: () => program.close(),
  };
}

function findProgram(name: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, name)).find(existsSync);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Hands on what a WebSocket's frames hold, until it closes. Reads nothing but what websocketd sends: whole, unmasked frames. */
async function readWebSocket(port: number, take: (data: Uint8Array) => void): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const key = randomBytes(16).toString("base64");
  socket.write(
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  let rest: Buffer = Buffer.alloc(0);
  let isOpen = false;
  for await (const bytes of socket as AsyncIterable<Buffer>) {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    if (!isOpen) {
      const end = rest.indexOf("\r\n\r\n");
      if (end === -1) continue;
      if (!rest.subarray(0, 12).equals(Buffer.from("HTTP/1.1 101"))) throw new Error(`no WebSocket: ${rest}`);
      isOpen = true;
      rest = rest.subarray(end + 4);
    }
    for (let frame = readFrame(rest); frame !== undefined; frame = readFrame(rest)) {
      rest = rest.subarray(frame.end);
      if (frame.opcode === binaryOpcode) take(frame.payload);
      else if (frame.opcode === closeOpcode) socket.end();
    }
  }
}

const binaryOpcode = 2;
const closeOpcode = 8;

function readFrame(bytes: Buffer) {
  if (bytes.length < 10) return shortFrame(bytes);
  const length = bytes.readUInt8(1);
  const start = length === 127 ? 10 : length === 126 ? 4 : 2;
  const end =
    start + (length === 127 ? Number(bytes.readBigUInt64BE(2)) : length === 126 ? bytes.readUInt16BE(2) : length);
  if (end > bytes.length) return undefined;
  return { opcode: bytes.readUInt8(0) & 0x0f, payload: bytes.subarray(start, end), end };
}

/** A frame so small that its length stands in one byte, as the closing one. */
function shortFrame(bytes: Buffer) {
  if (bytes.length < 2 || bytes.readUInt8(1) > bytes.length - 2) return undefined;
  const end = 2 + bytes.readUInt8(1);
  return { opcode: bytes.readUInt8(0) & 0x0f, payload: bytes.subarray(2, end), end };
}
