import { once } from "node:events";
import { rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { relative } from "node:path";
import { StartFailure } from "./failure.ts";

/** Holds the state folder for one system: whoever listens on the socket at `path` is alive, whatever ended it before. */
export async function takeLock(path: string): Promise<{ release(): Promise<void> }> {
  // A socket's path may be 107 bytes long; the one from here is usually the shorter.
  const near = relative(process.cwd(), path);
  const address = near.length < path.length ? near : path;
  if (await isListening(address)) {
    throw new StartFailure("npm start is already running in this folder: use that one, or end it with Ctrl+C there");
  }
  await rm(path, { force: true });
  const server = createServer((socket) => socket.destroy()).listen(address);
  await once(server, "listening");
  server.unref();
  return {
    async release() {
      server.close();
      await once(server, "close");
    },
  };
}

async function isListening(address: string): Promise<boolean> {
  const socket = connect(address);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    // Refused or absent: nobody holds it.
    return false;
  } finally {
    socket.destroy();
  }
}
