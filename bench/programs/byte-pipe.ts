/** `byte-pipe.ts PROGRAM ARGS…`: the least a server can do. Runs the program for each request and pipes its output into the answer. */
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const [program = "", ...args] = process.argv.slice(2);
const server = createServer({ noDelay: true }, (_, response) => {
  response.flushHeaders();
  spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] }).stdout.pipe(response);
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
