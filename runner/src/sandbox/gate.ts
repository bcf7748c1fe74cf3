/**
 * Opens a network namespace: started in a fresh one, it listens there on the two ports that a job finds, hands them to the
 * process that started it, and stays until told to go. What was handed over keeps the namespace.
 */
import { createServer, type Server } from "node:net";
import { gatePorts } from "./gate-ports.ts";

process.on("message", () => process.exit(0));
process.on("disconnect", () => process.exit(0));
// Whoever started it may have died before anybody could hear of that.
if (!process.connected) process.exit(0);
for (const name of ["proxy", "model"] as const) {
  const server = await listen(gatePorts[name]);
  // What builds the namespace stays outside: this is the process that is in it.
  process.send?.({ name, pid: process.pid }, server);
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject).listen(port, "127.0.0.1", () => resolve(server));
  });
}
