import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { beforeAll, expect, test } from "vitest";
import { ActorKind } from "#gen/job/v1/job_pb.js";
import type { Credentials } from "./identify.ts";
import { identify } from "./identify.ts";

const issuer = "https://team.cloudflareaccess.com";
const audience = "0123456789abcdef";
const url = "https://gateway.example/api/jobs";

let keys: Awaited<ReturnType<typeof generateKeyPair>>;
let strangers: Awaited<ReturnType<typeof generateKeyPair>>;
let credentials: Credentials;

beforeAll(async () => {
  [keys, strangers] = await Promise.all([generateKeyPair("RS256"), generateKeyPair("RS256")]);
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: "one", alg: "RS256" };
  const access = { issuer, audience, keys: createLocalJWKSet({ keys: [jwk] }) };
  credentials = { apiKeys: [], access, localDev: false, now: Date.now };
});

test("a person who signed in at Access is an operator under the e-mail address", async () => {
  const caller = await identify(withToken(await tokenOf({ email: "ann@example.com" })), credentials);
  expect(caller).toMatchObject({
    actor: { kind: ActorKind.CALLER, id: "ann@example.com" },
    scope: "operator",
    origin: "https://gateway.example",
  });
});

test("a service token goes by its name", async () => {
  const caller = await identify(withToken(await tokenOf({ common_name: "ci.access" })), credentials);
  expect(caller.actor.id).toBe("ci.access");
});

test.each<[string, () => Promise<string>]>([
  ["signed by a stranger", () => tokenOf({ email: "a@b" }, { signer: strangers.privateKey })],
  ["for another application", () => tokenOf({ email: "a@b" }, { aud: "fedcba9876543210" })],
  ["of another team", () => tokenOf({ email: "a@b" }, { iss: "https://evil.cloudflareaccess.com" })],
  ["that expired", () => tokenOf({ email: "a@b" }, { exp: 1_000 })],
  ["without an expiry", () => tokenOf({ email: "a@b" }, { exp: undefined })],
  ["of nobody", () => tokenOf({})],
  ["that is no token", async () => "abc"],
  ["that is empty", async () => ""],
  ["without a signature", async () => `${btoa('{"alg":"none"}')}.${btoa('{"email":"a@b"}')}.`],
])("a token %s is refused", async (_, make) => {
  await expect(identify(withToken(await make()), credentials)).rejects.toThrow(/unauthenticated/);
});

test("a token is worth nothing where Access is not configured", async () => {
  const request = withToken(await tokenOf({ email: "a@b" }));
  await expect(identify(request, { ...credentials, access: undefined })).rejects.toThrow(/unauthenticated/);
});

test("keys that cannot be fetched are no verdict on the token", async () => {
  const request = withToken(await tokenOf({ email: "a@b" }));
  const unreachable = async () => {
    throw new TypeError("network is down");
  };
  const access = { issuer, audience, keys: unreachable };
  await expect(identify(request, { ...credentials, access })).rejects.toThrow("network is down");
});

test.each(["Basic YTpi", "Bearer", "Bearer ", "bearer  two words"])(
  "authorization %j is refused",
  async (authorization) => {
    const request = new Request("http://127.0.0.1/", { headers: { authorization } });
    await expect(identify(request, { ...credentials, localDev: true })).rejects.toThrow(/unauthenticated/);
  },
);

test.each(["localhost", "127.0.0.1:8788", "[::1]:8788"])(
  "%s in local development needs no credentials",
  async (host) => {
    const caller = await identify(new Request(`http://${host}/`), { ...credentials, localDev: true });
    expect(caller).toMatchObject({ actor: { id: "local" }, scope: "admin" });
  },
);

interface TokenChanges {
  readonly signer?: CryptoKey;
  readonly aud?: string;
  readonly iss?: string;
  readonly exp?: number | undefined;
}

async function tokenOf(claims: JWTPayload, changes: TokenChanges = {}): Promise<string> {
  const { signer = keys.privateKey, ...rest } = changes;
  const nowS = Math.floor(Date.now() / 1000);
  const payload = { iss: issuer, aud: audience, iat: nowS, exp: nowS + 60, ...rest, ...claims };
  return await new SignJWT(payload as JWTPayload).setProtectedHeader({ alg: "RS256", kid: "one" }).sign(signer);
}

function withToken(token: string): Request {
  return new Request(url, { headers: { "cf-access-jwt-assertion": token } });
}
