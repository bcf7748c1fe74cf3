import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findPort, requirePort } from "./ports.ts";

let occupant: Server;
let taken: number;
beforeAll(async () => {
  occupant = createServer().listen(0, "127.0.0.1");
  await once(occupant, "listening");
  taken = (occupant.address() as AddressInfo).port;
});
afterAll(() => occupant.close());

test("a taken port is refused by number, with the variable that moves it", async () => {
  await expect(requirePort(taken, "GATEWAY_PORT")).rejects.toThrow(
    `port ${taken} is taken by another program: end that one, or choose another port with GATEWAY_PORT=… npm start`,
  );
});

test("a free port is left free", async () => {
  const port = await findPort(taken);
  expect(port).not.toBe(taken);
  await requirePort(port, "PORT");
  await requirePort(port, "PORT");
});
