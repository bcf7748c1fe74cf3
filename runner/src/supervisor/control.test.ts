import { connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { onReports, type Report, send } from "./control.ts";

/** What a runner makes of what is written to it: reports, and the error that ended the line. */
async function hear(write: (socket: Socket) => void) {
  const reports: Report[] = [];
  const ended = Promise.withResolvers<Error | undefined>();
  const server = createServer((socket) => {
    onReports(socket, (report) => reports.push(report));
    socket.once("error", ended.resolve).once("close", () => ended.resolve(undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const socket = connect(address.port, "127.0.0.1").on("error", () => undefined);
  write(socket);
  const error = await ended.promise;
  socket.destroy();
  server.close();
  return { reports, error };
}

test("reports come out whole, however they were cut", async () => {
  const { reports, error } = await hear((socket) => {
    socket.write('{"kind":"phase","phase":1}\n{"kind":"ph');
    socket.end('ase","phase":2}\n');
  });
  expect(reports).toEqual([
    { kind: "phase", phase: 1 },
    { kind: "phase", phase: 2 },
  ]);
  expect(error).toBeUndefined();
});

test.each([
  ["no report", '{"kind":"phase","phase":"first"}\n', /malformed/],
  ["a line without an end", "x".repeat(9 << 20), /longer than/],
])("the line is cut at %s", async (_, text, message) => {
  const { error } = await hear((socket) => socket.write(text));
  expect(error?.message).toMatch(message);
});

test("a message of any text fits a line", async () => {
  const text = "\u0001".repeat(1 << 20);
  const answer = { kind: "message", message: { text } } as const;
  const { reports, error } = await hear((socket) => {
    send(socket, { kind: "answered", call: 1, answer });
    socket.end();
  });
  expect(error).toBeUndefined();
  expect(reports).toEqual([{ kind: "answered", call: 1, answer }]);
});
