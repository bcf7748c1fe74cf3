import { execFile } from "node:child_process";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RefusalReason } from "#gen/job/v1/job_event_pb.js";
import { ActorKind } from "#gen/job/v1/job_pb.js";
import type { EventPayload } from "../executor/executor.ts";
import { parseAddressRange } from "../sandbox/address-rules.ts";
import { EgressDoor } from "../sandbox/egress-door.ts";
import type { EgressSettings } from "../sandbox/egress-settings.ts";
import { JobEgress } from "./job-egress.ts";

const run = promisify(execFile);
const ana = { kind: ActorKind.CALLER, id: "ana" };
const servers: Server[] = [];
let door: EgressDoor;
let proxyUrl: string;
let hostPort: number;
let events: EventPayload[];
const opened: JobEgress[] = [];

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return (server.address() as AddressInfo).port;
}

beforeEach(async () => {
  const knocked = createServer();
  door = new EgressDoor(knocked);
  proxyUrl = `http://127.0.0.1:${await listen(knocked)}`;
  hostPort = await listen(createHttpServer((_, response) => response.end("hello")));
  events = [];
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((egress) => egress.close()));
  for (const server of servers.splice(0)) server.close();
});

function openEgress(allowedHosts: readonly string[] = [], settings: Partial<EgressSettings> = {}): JobEgress {
  const exempt = parseAddressRange("127.0.0.1");
  const egress = new JobEgress({
    settings: {
      allowed: [],
      mayAllowMore: true,
      exemptAddresses: exempt === undefined ? [] : [exempt],
      ...settings,
    },
    allowedHosts,
    door,
    emit: (payload) => void events.push(payload),
  });
  opened.push(egress);
  return egress;
}

/** What a job does that wants something of the host. */
async function curl(): Promise<string> {
  const url = `http://host.localhost:${hostPort}/`;
  return (await run("curl", ["-s", "--noproxy", "", url], { env: { http_proxy: proxyUrl } })).stdout;
}

/** Each event of the network, and what it is about. */
function told() {
  return events.map((payload) => (payload.case === "network" ? payload.value.event : payload));
}

test("a job reaches what it was created with", async () => {
  openEgress([`host.localhost:${hostPort}`]);
  expect(await curl()).toBe("hello");
  expect(events).toEqual([]);
});

test("what is refused is told once, can be allowed, and is then reached by the same job", async () => {
  const egress = openEgress();
  expect(await curl()).toContain("is not among the hosts that this job may reach: allow it for this job");
  await curl();
  const host = `host.localhost:${hostPort}`;
  expect([egress.allow(host, ana), egress.allow(host, ana)]).toEqual([{ kind: "done" }, { kind: "done" }]);
  expect(await curl()).toBe("hello");
  expect(told()).toMatchObject([
    {
      case: "refused",
      value: { host: "host.localhost", port: hostPort, reason: RefusalReason.NOT_ALLOWED, count: 1 },
    },
    { case: "allowed", value: { host, actor: ana } },
  ]);
});

test("connections that come at once are all served", async () => {
  openEgress([`host.localhost:${hostPort}`]);
  expect(await Promise.all(Array.from({ length: 8 }, curl))).toEqual(Array(8).fill("hello"));
});

test("this machine is refused unless its operator exempts it", async () => {
  openEgress([`host.localhost:${hostPort}`], { exemptAddresses: [] });
  expect(await curl()).toContain("EGRESS_ALLOW_ADDRESSES");
  expect(told()).toMatchObject([{ case: "refused", value: { reason: RefusalReason.PRIVATE_ADDRESS } }]);
});

test("where the operator lets nobody allow more, nothing is, and refusals do not say so", async () => {
  const egress = openEgress([], { mayAllowMore: false });
  expect(egress.allow("example.com", ana)).toMatchObject({ kind: "refused", refusal: "fixedHosts" });
  expect(await curl()).toContain("only the runner's operator can allow it");
  expect(told()).toMatchObject([{ case: "refused" }]);
});

test("the next job finds nothing of the one before it, and nobody between them", async () => {
  const first = openEgress([`host.localhost:${hostPort}`]);
  expect(await curl()).toBe("hello");
  const silent = connect(Number(new URL(proxyUrl).port), "127.0.0.1");
  const ended = text(silent);
  await curl();
  await first.close();
  expect(await ended).toBe("");
  await expect(curl()).rejects.toThrow("Command failed");
  openEgress();
  expect(await curl()).toContain("is not among the hosts");
});
