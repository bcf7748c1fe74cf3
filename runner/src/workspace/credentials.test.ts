import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { importSPKI, jwtVerify } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { LogStream } from "#gen/job/v1/job_event_pb.js";
import { EndCause } from "#gen/job/v1/job_pb.js";
import { type GitServer, startGitServer } from "../../../e2e/git/git-server.ts";
import { makeRepository } from "../../../e2e/git/make-repository.ts";
import { endOf, followJob, logText, startRequest } from "../../testing/jobs.ts";
import { makeDataDirectory, startRunner } from "../../testing/start-runner.ts";
import { CredentialStore } from "./credentials.ts";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const room = mkdtempSync(join(tmpdir(), "blazecraft-credentials-"));
const keys = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  // As GitHub hands it out.
  privateKeyEncoding: { type: "pkcs1", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});
const privateKeyFile = join(room, "app.pem");
const hour = 3_600_000;

/** GitHub as an App knows it: what it was asked for, and the tokens that it gave. */
class GitHub {
  readonly minted: { readonly token: string; readonly body: unknown }[] = [];
  readonly #server: Server;
  url = "";

  constructor() {
    this.#server = createServer(async (request, response) => {
      const [, jwt = ""] = (request.headers.authorization ?? "").split(" ");
      const answer = (status: number, body: object) => response.writeHead(status).end(JSON.stringify(body));
      const issuer = await this.#issuer(jwt);
      if (issuer !== "4711") return answer(401, { message: "A JSON web token could not be decoded" });
      if (request.url === "/repos/acme/api/installation") return answer(200, { id: 99 });
      if (request.url !== "/app/installations/99/access_tokens") return answer(404, { message: "Not Found" });
      const token = `ghs_minted${this.minted.length + 1}`;
      this.minted.push({ token, body: JSON.parse(await text(request)) });
      return answer(201, { token, expires_at: new Date(Date.now() + hour).toISOString() });
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #issuer(jwt: string): Promise<string | undefined> {
    const key = await importSPKI(keys.publicKey, "RS256");
    return jwtVerify(jwt, key).then(
      ({ payload }) => payload.iss,
      () => undefined,
    );
  }
}

let github: GitHub;

beforeAll(async () => {
  writeFileSync(privateKeyFile, keys.privateKey);
  await makeRepository(room, "acme/api", [{ message: "Begin", files: { "run.sh": "echo one\n" } }]);
});

afterAll(() => rmSync(room, { recursive: true }));

async function openApp() {
  github = new GitHub();
  await github.listen();
  let nowMs = Date.now();
  const secrets: string[] = [];
  const app = { id: "4711", privateKeyFile };
  const hosts = { github: { hosts: ["github.com"], apiUrl: github.url, app }, gitlab: { hosts: [] } };
  const onSecret = (secret: string) => void secrets.push(secret);
  const store = new CredentialStore({ hosts, fetch, now: () => nowMs, onSecret });
  const pass = (ms: number) => {
    nowMs += ms;
  };
  return { store, secrets, pass };
}

describe("tokens of a GitHub App", () => {
  const api = "https://github.com/acme/api";
  afterEach(() => github.close());

  test("are minted for one repository and one kind of access, and told before they are used", async () => {
    const { store, secrets } = await openApp();
    const read = await store.credentialsFor(api, "read");
    const write = await store.credentialsFor(api, "write");
    expect([read, write]).toMatchObject([{ token: "ghs_minted1" }, { token: "ghs_minted2" }]);
    expect(github.minted.map(({ body }) => body)).toEqual([
      { repositories: ["api"], permissions: { contents: "read", metadata: "read" } },
      { repositories: ["api"], permissions: { contents: "write", metadata: "read", pull_requests: "write" } },
    ]);
    expect(secrets).toEqual(["ghs_minted1", "ghs_minted2"]);
  });

  test("are used again until shortly before they end", async () => {
    const { store, pass } = await openApp();
    const token = async () => {
      const credentials = await store.credentialsFor(api, "read");
      return credentials.kind === "given" ? credentials.token : credentials.kind;
    };
    expect(await token()).toBe("ghs_minted1");
    pass(hour - 301_000);
    expect(await token()).toBe("ghs_minted1");
    pass(2000);
    expect(await token()).toBe("ghs_minted2");
  });

  test("cannot be had where it is not installed, and by another key, which is said", async () => {
    const { store } = await openApp();
    expect(await store.credentialsFor("https://github.com/acme/web", "read")).toEqual({
      kind: "failed",
      problem: "acme/web: the GitHub App is not installed on this repository",
    });
    writeFileSync(
      privateKeyFile,
      generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" }),
    );
    const refused = await store.credentialsFor(api, "read");
    writeFileSync(privateKeyFile, keys.privateKey);
    expect(refused).toMatchObject({ kind: "failed", problem: expect.stringContaining("status 401: A JSON web token") });
  });
});

test("a host that the operator did not name gets no token", async () => {
  const hosts = {
    github: { hosts: ["github.com"], token: "secret" },
    gitlab: { hosts: ["gitlab.com"], token: "other" },
  };
  const store = new CredentialStore({ hosts, fetch, now: Date.now, onSecret: () => undefined });
  const kinds = [
    "https://github.com.evil.example/acme/api",
    "https://github.com:8443/acme/api",
    "https://example.com/a/b",
  ];
  for (const url of kinds) expect(await store.credentialsFor(url, "read")).toEqual({ kind: "none" });
  expect(await store.credentialsFor("https://gitlab.com/a/b/c", "write")).toMatchObject({
    username: "oauth2",
    token: "other",
  });
});

describe("a job on a repository that asks for credentials", () => {
  const data = makeDataDirectory();
  let server: GitServer;
  afterEach(async () => server.close());
  afterAll(data.remove);

  /** Runs a job with these settings of the runner; what it finds of the token besides is in `traces`. */
  async function run(
    env: (host: string) => Readonly<Record<string, string>>,
    command = "cat run.sh; env; cat .git/config",
  ) {
    const runner = await startRunner(data.path, { ALLOW_INSECURE_GIT: "true", ...env(new URL(server.url).host) });
    const request = startRequest(command, { repoRef: `${server.url}/acme/api` });
    await runner.client.startJob(request);
    const events = await followJob(runner.client, request);
    // Spares that have just been started come and go in the trash.
    const kept = readdirSync(data.path).filter((name) => name !== "trash");
    const files = kept.flatMap((name) => filesIn(join(data.path, name))).map((path) => readFileSync(path, "latin1"));
    await runner.client.releaseJob({ jobId: request.jobId, attempt: 1 });
    await runner.stop("SIGINT");
    const said = `${logText(events)}\n${logText(events, LogStream.STDERR)}`;
    const traces = [
      JSON.stringify(events, (_, value) => (typeof value === "bigint" ? String(value) : value)),
      said,
      runner.log(),
      ...files,
    ];
    return { outcome: endOf(events).outcome, said, traces };
  }

  test("has it by the operator's token, which nothing shows", async () => {
    server = await startGitServer({ folder: room, tokens: ["glpat-t0ken"] });
    const { said, traces } = await run((host) => ({ GITLAB_HOSTS: host, GITLAB_TOKEN: "glpat-t0ken" }));
    expect(said).toMatch(/^echo one\n/);
    expect(traces.filter((trace) => trace.includes("t0ken"))).toEqual([]);
  });

  test("fails with a wrong token, which is not shown", async () => {
    server = await startGitServer({ folder: room, tokens: ["right"] });
    const { outcome, traces } = await run((host) => ({ GITHUB_HOSTS: host, GITHUB_TOKEN: "ghp_wr0ng" }));
    expect(outcome).toMatchObject({
      cause: EndCause.CLONE_FAILED,
      message: expect.stringMatching(/127\.0\.0\.1:\d+ does not take GITHUB_TOKEN for acme\/api\.$/),
    });
    expect(traces.filter((trace) => trace.includes("wr0ng"))).toEqual([]);
  });

  test("fails without one, and says that there is none", async () => {
    server = await startGitServer({ folder: room, tokens: ["right"] });
    const { outcome } = await run(() => ({}));
    expect(outcome?.message).toMatch(/127\.0\.0\.1:\d+ wants credentials for acme\/api, and this runner has none\.$/);
  });

  test("has it by an App's token, of which one that the host takes no more is renewed", async () => {
    await openApp();
    server = await startGitServer({ folder: room, tokens: ["ghs_minted2"] });
    const { said, traces } = await run((host) => ({
      GITHUB_HOSTS: host,
      GITHUB_API_URL: github.url,
      GITHUB_APP_ID: "4711",
      GITHUB_APP_PRIVATE_KEY_FILE: privateKeyFile,
    }));
    expect(said).toMatch(/^echo one\n/);
    expect(github.minted).toHaveLength(2);
    expect(traces.filter((trace) => trace.includes("ghs_minted"))).toEqual([]);
    github.close();
  });
});

function filesIn(directory: string): string[] {
  if (!statSync(directory).isDirectory()) return statSync(directory).isFile() ? [directory] : [];
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
}
