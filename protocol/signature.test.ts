import { expect, test } from "vitest";
import { exampleSecret, maxSkewMs, parseSecrets, type SignedParts, sign, verify } from "./signature.ts";

const parts: SignedParts = {
  method: "POST",
  path: "/blazecraft.runner.v1.RunnerService/StartJob",
  contentType: "application/proto",
  body: new TextEncoder().encode("body"),
};
const now = Date.UTC(2026, 0, 2);
const oldSecret = "a".repeat(32);
const newSecret = "b".repeat(40);

test("a signature made with any listed secret is valid, also while secrets rotate", async () => {
  const gateway = await parseSecrets("RUNNER_SECRET", `${newSecret}, ${oldSecret}`);
  const runner = await parseSecrets("GATEWAY_SECRET", `${oldSecret},${newSecret}`);
  const forward = await verify(runner, parts, await sign(gateway[0], parts, now), now);
  const backward = await verify(gateway, parts, await sign(runner[0], parts, now), now);
  expect([forward.kind, backward.kind]).toEqual(["valid", "valid"]);
});

test("every signature has a nonce of its own", async () => {
  const [key] = await parseSecrets("RUNNER_SECRET", newSecret);
  const signatures = await Promise.all([sign(key, parts, now), sign(key, parts, now)]);
  const nonces = await Promise.all(signatures.map(async (header) => verify([key], parts, header, now)));
  const [first, second] = nonces.map((verdict) => (verdict.kind === "valid" ? verdict.nonce : undefined));
  expect(first).toMatch(/^[0-9a-f]{32}$/);
  expect(second).not.toBe(first);
});

test.each<[string, Partial<SignedParts>]>([
  ["method", { method: "GET" }],
  ["path", { path: `${parts.path}?x=1` }],
  ["content type", { contentType: "application/json" }],
  ["body", { body: new TextEncoder().encode("bodz") }],
])("a changed %s makes the signature wrong", async (_, change) => {
  const [key] = await parseSecrets("RUNNER_SECRET", newSecret);
  const header = await sign(key, parts, now);
  expect(await verify([key], { ...parts, ...change }, header, now)).toEqual({ kind: "wrong" });
});

test("a flipped bit anywhere in the header is refused", async () => {
  const [key] = await parseSecrets("RUNNER_SECRET", newSecret);
  const header = await sign(key, parts, now);
  for (let at = 0; at < header.length; at += 1) {
    const flipped = String.fromCharCode(header.charCodeAt(at) ^ 1);
    const verdict = await verify([key], parts, header.slice(0, at) + flipped + header.slice(at + 1), now);
    expect(verdict.kind).not.toBe("valid");
  }
});

test("time may be 60 s off on either side and no more", async () => {
  const [key] = await parseSecrets("RUNNER_SECRET", newSecret);
  const header = await sign(key, parts, now);
  const verdicts = await Promise.all(
    [now - maxSkewMs, now + maxSkewMs, now - maxSkewMs - 1, now + maxSkewMs + 1].map((at) =>
      verify([key], parts, header, at),
    ),
  );
  expect(verdicts.map(({ kind }) => kind)).toEqual(["valid", "valid", "skewed", "skewed"]);
});

test("another secret, no header and nonsense are told apart", async () => {
  const [key] = await parseSecrets("RUNNER_SECRET", newSecret);
  const [stranger] = await parseSecrets("RUNNER_SECRET", oldSecret);
  const verdicts = await Promise.all([
    verify([key], parts, await sign(stranger, parts, now), now),
    verify([key], parts, undefined, now),
    verify([key], parts, "Bearer x", now),
  ]);
  expect(verdicts.map(({ kind }) => kind)).toEqual(["unknown-key", "missing", "malformed"]);
});

test.each([
  ["", /GATEWAY_SECRET is 0 bytes/],
  ["short", /GATEWAY_SECRET is 5 bytes, at least 32/],
  [exampleSecret, /GATEWAY_SECRET is the example's/],
  [`${newSecret},short`, /GATEWAY_SECRET is 5 bytes/],
])("secret %j is refused with its variable named", async (list, message) => {
  await expect(parseSecrets("GATEWAY_SECRET", list)).rejects.toThrow(message);
});
