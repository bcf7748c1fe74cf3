import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { chmodSync, rmSync } from "node:fs";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { Server as NetServer, Socket } from "node:net";
import { writeApiError } from "./api-error.ts";

/** Where an agent finds its model. */
export type ModelAddress =
  | { readonly kind: "socket"; readonly path: string }
  | { readonly kind: "loopback"; readonly url: string };

/** Where a door can open. */
export interface DoorPlace {
  /** Absolute path for a socket. */
  readonly socketPath: string;
  /** Lets the agent use that. */
  readonly share: (socketPath: string) => void;
  /** What the agent finds as a port of its loopback; undefined when that is this machine's own, and any port will do. */
  readonly port: LentPort | undefined;
}

/** A server that listens already, and where the agent finds it. It stays open behind the door. */
export interface LentPort {
  readonly server: NetServer;
  readonly url: string;
}

/** Answers a request, wholly. */
export type ModelAnswer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Where one agent knocks for its model: an address on this machine, and a token that is worth nothing elsewhere. It can be
 * open before it is known for which job: until then nobody is there.
 */
export class ModelDoor {
  /** What the agent gives as its key. */
  readonly token = randomBytes(24).toString("base64url");
  readonly #place: DoorPlace;
  #answer: ModelAnswer = async (_, response) => writeApiError(response, nobody);
  #server: Server | undefined;

  constructor(place: DoorPlace) {
    this.#place = place;
  }

  /** Opens, once. A socket whose path is longer than the system takes becomes a port. */
  async open(place: "socket" | "loopback"): Promise<ModelAddress> {
    if (this.#server !== undefined) throw new Error("the model's door is open already");
    // An agent that comes back finds its connection open, however long it was busy elsewhere.
    const server = createServer({ keepAliveTimeout: 0, noDelay: true }, (request, response) => {
      if (isSame(tokenOf(request.headers), this.token)) void this.#answer(request, response);
      else writeApiError(response, wrongToken);
    });
    this.#server = server;
    const { socketPath, share, port } = this.#place;
    if (place === "socket" && Buffer.byteLength(socketPath) <= maxSocketPathBytes) {
      await listening(server, { path: socketPath });
      chmodSync(socketPath, 0o600);
      share(socketPath);
      return { kind: "socket", path: socketPath };
    }
    if (port !== undefined) {
      port.server.on("connection", this.#enter);
      return { kind: "loopback", url: port.url };
    }
    await listening(server, { host: "127.0.0.1", port: 0 });
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return { kind: "loopback", url: `http://127.0.0.1:${address.port}` };
  }

  readonly #enter = (socket: Socket): void => void this.#server?.emit("connection", socket);

  /** Says who answers from now on. */
  serve(answer: ModelAnswer): void {
    this.#answer = answer;
  }

  /** Cuts every connection, and leaves nothing. */
  close(): void {
    this.#place.port?.server.off("connection", this.#enter);
    this.#server?.close();
    this.#server?.closeAllConnections();
    rmSync(this.#place.socketPath, { force: true });
  }
}

const nobody = { status: 503, type: "api_error", message: "There is no job yet." };
const wrongToken = {
  status: 401,
  type: "authentication_error",
  message: "This is not the key that the job was given.",
};

/** Of the 108 bytes that Linux has, and the 104 of macOS, one ends the path. */
const maxSocketPathBytes = 103;

function listening(server: Server, place: { path: string } | { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(place, resolve);
  });
}

function tokenOf(headers: IncomingHttpHeaders): string {
  const key = headers["x-api-key"];
  return typeof key === "string" ? key : (headers.authorization ?? "").replace(/^Bearer /i, "");
}

function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
