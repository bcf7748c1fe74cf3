import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { NetworkEventSchema, RefusalReason } from "#gen/job/v1/job_event_pb.js";
import { RefusedHosts } from "./refused-hosts.ts";

const { NOT_ALLOWED, PRIVATE_ADDRESS } = RefusalReason;
type EventInit = NonNullable<MessageInitShape<typeof NetworkEventSchema>["event"]>;

function hear(...events: readonly EventInit[]): RefusedHosts {
  const hosts = new RefusedHosts();
  for (const event of events) hosts.take(create(NetworkEventSchema, { event }));
  return hosts;
}

function refused(host: string, { port = 443, reason = NOT_ALLOWED, count = 1 } = {}): EventInit {
  return { case: "refused", value: { host, port, reason, count, message: `${host} is refused.` } };
}

function allowed(host: string): EventInit {
  return { case: "allowed", value: { host, actor: { id: "ana" } } };
}

test("hosts are named as they are allowed, each once, with the last count", () => {
  expect(
    hear(refused("a.example"), refused("b.example", { port: 80 }), refused("a.example", { count: 10 })).all,
  ).toEqual([
    { place: "a.example", reason: NOT_ALLOWED, message: "a.example is refused.", count: 10, allowedBy: undefined },
    { place: "b.example:80", reason: NOT_ALLOWED, message: "b.example is refused.", count: 1, allowedBy: undefined },
  ]);
});

test.each([
  ["a.example", "a.example", 443, true],
  ["a.example:443", "a.example", 443, true],
  ["a.example", "a.example", 80, false],
  ["a.example:80", "a.example", 80, true],
  ["*.example", "a.example", 443, true],
  ["*.example", "example", 443, false],
  ["*.example", "aexample", 443, false],
  ["*.example:80", "a.example", 80, true],
  ["*.example", "a.example", 80, false],
])("%s allowed, %s on port %i is: %s, whichever came first", (rule, host, port, isAllowed) => {
  const by = isAllowed ? "ana" : undefined;
  expect(hear(refused(host, { port }), allowed(rule)).all[0]?.allowedBy).toBe(by);
  expect(hear(allowed(rule), refused(host, { port })).all[0]?.allowedBy).toBe(by);
});

test("nobody can allow what leads to a private address", () => {
  expect(hear(refused("a.example", { reason: PRIVATE_ADDRESS }), allowed("a.example")).all).toMatchObject([
    { reason: PRIVATE_ADDRESS, allowedBy: undefined },
  ]);
});
