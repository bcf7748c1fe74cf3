import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import { maxHelloBytes, parseClientHello } from "./client-hello.ts";
import { malformed, type Refusal } from "./refusal.ts";
import type { Target } from "./target.ts";

/** A client that was told that its tunnel is open, and the host that it is to lead to. */
export interface Tunnel {
  readonly target: Target;
  readonly client: Socket;
  /** What the client sent ahead. */
  readonly head: Buffer;
  readonly upstream: Socket;
  /** For the client to begin. */
  readonly helloMs: number;
}

/**
 * Carries bytes both ways once the client has begun TLS with the host that it asked for by CONNECT; what it sends before
 * that is known does not leave. Answers why it does not carry them, or undefined when all were.
 */
export async function carryTunnel({ target, client, head, upstream, helloMs }: Tunnel): Promise<Refusal | undefined> {
  const begun = await readHello(client, head, helloMs);
  if (begun.kind === "gone") return undefined;
  if (begun.kind === "malformed") return malformed(target, "what passes through a tunnel is TLS");
  if (begun.serverName !== target.host) {
    client.end(unrecognizedName);
    const asked = begun.serverName === undefined ? "no host" : `"${begun.serverName}"`;
    return malformed(target, `its TLS asks for ${asked} inside the tunnel`);
  }
  upstream.write(begun.bytes);
  await Promise.all([pipeline(client, upstream), pipeline(upstream, client)]);
  return undefined;
}

type Beginning =
  | { readonly kind: "hello"; readonly serverName: string | undefined; readonly bytes: Buffer }
  | { readonly kind: "malformed" }
  /** The client left, or never began. */
  | { readonly kind: "gone" };

function readHello(client: Socket, head: Buffer, helloMs: number): Promise<Beginning> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0);
    const timer = setTimeout(() => settle({ kind: "gone" }), helloMs);
    const leave = () => settle({ kind: "gone" });
    const settle = (beginning: Beginning) => {
      clearTimeout(timer);
      client.off("data", take).off("end", leave).off("close", leave).pause();
      resolve(beginning);
    };
    const take = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const hello = parseClientHello(bytes);
      if (hello.kind === "hello") settle({ ...hello, bytes });
      else if (hello.kind === "malformed" || bytes.length > 2 * maxHelloBytes) settle({ kind: "malformed" });
    };
    client.on("data", take).on("end", leave).on("close", leave);
    if (head.length > 0) take(head);
  });
}

/** The alert by which a TLS server says that it is not that host. */
const unrecognizedName = Buffer.from([21, 3, 3, 0, 2, 2, 112]);
