import { expect, test } from "vitest";
import { type Env, parseSettings } from "./env.ts";

const secret = "s".repeat(32);
const good = {
  RUNNER_SECRET: secret,
  RUNNER_URL: "https://runner.example/",
  API_KEYS: `ci:operator:${"a".repeat(64)}`,
  ACCESS_TEAM_DOMAIN: "team.cloudflareaccess.com",
  ACCESS_AUDIENCE: "aud",
  ALLOWED_ORIGINS: "https://page.example, http://localhost:5173",
  ALLOWED_HOSTS: "Gateway.example gateway.example:8443",
};

test("settings are read", async () => {
  expect(await settingsOf(good)).toMatchObject({
    runnerUrl: "https://runner.example",
    apiKeys: [{ id: "ci", scope: "operator" }],
    access: { issuer: "https://team.cloudflareaccess.com", audience: "aud" },
    allowedOrigins: ["https://page.example", "http://localhost:5173"],
    allowedHosts: ["gateway.example", "gateway.example:8443"],
    localDev: false,
  });
});

test("nothing set is a closed gateway without runners", async () => {
  expect(await settingsOf({})).toMatchObject({
    runnerUrl: undefined,
    runnerKeys: undefined,
    apiKeys: [],
    localDev: false,
  });
});

test.each<[Readonly<Record<string, string | undefined>>, RegExp]>([
  [{ RUNNER_SECRET: "short" }, /RUNNER_SECRET is 5 bytes/],
  [{ RUNNER_SECRET: undefined }, /RUNNER_SECRET is needed with RUNNER_URL/],
  [{ RUNNER_URL: "runner" }, /RUNNER_URL/],
  [{ RUNNER_URL: "http://runner.example" }, /RUNNER_URL: must be "https/],
  [{ RUNNER_URL: "https://me:pw@runner.example" }, /RUNNER_URL: must be an origin alone/],
  [{ RUNNER_URL: "https://runner.example/path" }, /RUNNER_URL: must be an origin alone/],
  [{ API_KEYS: "nonsense" }, /API_KEYS: entry 1/],
  [{ ACCESS_AUDIENCE: undefined }, /ACCESS_TEAM_DOMAIN and ACCESS_AUDIENCE are needed together/],
  [{ ACCESS_TEAM_DOMAIN: undefined }, /ACCESS_TEAM_DOMAIN and ACCESS_AUDIENCE are needed together/],
  [{ ALLOWED_ORIGINS: "*" }, /ALLOWED_ORIGINS/],
  [{ ALLOWED_ORIGINS: "null" }, /ALLOWED_ORIGINS/],
  [{ ALLOWED_ORIGINS: "https://page.example/" }, /ALLOWED_ORIGINS/],
  [{ ALLOWED_HOSTS: "https://gateway.example" }, /ALLOWED_HOSTS/],
  [{ LOCAL_DEV: "yes" }, /LOCAL_DEV/],
])("%j is refused by name", async (change, message) => {
  await expect(settingsOf({ ...good, ...change })).rejects.toThrow(message);
});

test("every wrong variable is named at once, and no secret", async () => {
  const wrong = { RUNNER_SECRET: "hunter2", RUNNER_URL: "x", ALLOWED_HOSTS: "/" };
  await expect(settingsOf(wrong)).rejects.toThrow(/RUNNER_SECRET.*RUNNER_URL.*ALLOWED_HOSTS/);
  await expect(settingsOf(wrong)).rejects.not.toThrow(/hunter2/);
});

function settingsOf(variables: object) {
  return parseSettings(variables as Env);
}
