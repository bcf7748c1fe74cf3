import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { StartFailure } from "./failure.ts";

/** Throws a StartFailure naming the port and the variable that moves it, unless the port can be listened on. */
export async function requirePort(port: number, variable: string): Promise<void> {
  const problem = await tryListening(port);
  if (!problem) return;
  throw new StartFailure(
    problem === "EADDRINUSE"
      ? `port ${port} is taken by another program: end that one, or choose another port with ${variable}=… npm start`
      : `port ${port} cannot be listened on (${problem}): choose another with ${variable}=… npm start`,
  );
}

/** The port where it is free, else one that is. */
export async function findPort(wanted: number): Promise<number> {
  try {
    return await listenOnce(wanted);
  } catch {
    // Taken, or not for us.
    return listenOnce(0);
  }
}

async function tryListening(port: number): Promise<string | undefined> {
  try {
    await listenOnce(port);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

async function listenOnce(port: number): Promise<number> {
  const server = createServer();
  server.listen({ host: "127.0.0.1", port, exclusive: true });
  await once(server, "listening");
  const address = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return address.port;
}
