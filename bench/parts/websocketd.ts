import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { delimiter, join } from "node:path";
import { readSocket } from "./http-stream.ts";
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

/** Hands on what a WebSocket's frames hold, until it closes. The pieces are overwritten once `take` returns. */
async function readWebSocket(port: number, take: (data: Uint8Array) => void): Promise<void> {
  const url = `http://127.0.0.1:${port}/`;
  const decoder = new FrameDecoder(take);
  const key = randomBytes(16).toString("base64");
  const upgrade =
    `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`;
  await readSocket(url, Buffer.from(upgrade), (bytes) => {
    decoder.take(bytes);
    return !decoder.isOver;
  });
}

/** Takes apart what websocketd sends: an answer to the upgrade, then whole, unmasked frames. */
class FrameDecoder {
  readonly #take: (data: Uint8Array) => void;
  #head: number[] = [];
  #isOpen = false;
  #opcode = 0;
  /** Bytes of the frame that are still to come. */
  #left = 0;
  isOver = false;

  constructor(take: (data: Uint8Array) => void) {
    this.#take = take;
  }

  take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#left > 0) {
        const piece = bytes.subarray(at, at + this.#left);
        if (this.#opcode === binaryOpcode) this.#take(piece);
        this.#left -= piece.length;
        at += piece.length;
      } else {
        this.#head.push(bytes[at] ?? 0);
        at += 1;
        if (this.#isOpen) this.#readFrameHead();
        else this.#readAnswer();
      }
    }
  }

  #readAnswer(): void {
    const answer = String.fromCharCode(...this.#head);
    if (!answer.endsWith("\r\n\r\n")) return;
    if (!answer.startsWith("HTTP/1.1 101")) throw new Error(`no WebSocket: ${answer}`);
    this.#isOpen = true;
    this.#head = [];
  }

  #readFrameHead(): void {
    const [first = 0, length = 0, ...more] = this.#head;
    if (this.#head.length < 2 || more.length < (length === 127 ? 8 : length === 126 ? 2 : 0)) return;
    this.#opcode = first & 0x0f;
    this.#left = length < 126 ? length : more.reduce((sum, byte) => sum * 256 + byte, 0);
    this.#head = [];
    this.isOver ||= this.#opcode === closeOpcode;
  }
}

const binaryOpcode = 2;
const closeOpcode = 8;
