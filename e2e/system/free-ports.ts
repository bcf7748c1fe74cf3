import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Three ports that were free a moment ago, below those that the system gives to outgoing connections: such a one could be
 * taken again before it is listened on.
 */
export async function findFreePorts(): Promise<readonly [number, number, number]> {
  return [await findFreePort(), await findFreePort(), await findFreePort()];
}

async function findFreePort(): Promise<number> {
  for (;;) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort));
    if (await isFree(port)) return port;
  }
}

const firstPort = 10_000;
const lastPort = 32_000;

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch {
    // Somebody has it.
    return false;
  }
  await once(server.close(), "close");
  return true;
}
