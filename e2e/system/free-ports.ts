import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** Three ports that were free a moment ago. */
export async function findFreePorts(): Promise<readonly [number, number, number]> {
  const servers = [createServer(), createServer(), createServer()] as const;
  for (const server of servers) server.listen(0, "127.0.0.1");
  await Promise.all(servers.map((server) => once(server, "listening")));
  const portOf = (server: (typeof servers)[0]) => (server.address() as AddressInfo).port;
  const ports = [portOf(servers[0]), portOf(servers[1]), portOf(servers[2])] as const;
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
