import { expect, test } from "vitest";
import { parseRepoRef } from "./repo-ref.ts";

const rules = { defaultHost: "github.com", allowInsecure: false };

test.each([
  ["test", { kind: "scratch", name: "test" }],
  ["my.project_2-x", { kind: "scratch", name: "my.project_2-x" }],
  ["owner/name", { kind: "repository", url: "https://github.com/owner/name", ref: "" }],
  ["owner/name.git@v1.2", { kind: "repository", url: "https://github.com/owner/name", ref: "v1.2" }],
  ["https://GitLab.com/a/b/c", { kind: "repository", url: "https://gitlab.com/a/b/c", ref: "" }],
  ["HTTPS://github.com:443/o/n.git/", { kind: "repository", url: "https://github.com/o/n", ref: "" }],
  ["https://github.com/o/n@feature/x@2", { kind: "repository", url: "https://github.com/o/n", ref: "feature/x@2" }],
  [
    "https://git.xn--bcher-kva.example/o/n",
    { kind: "repository", url: "https://git.xn--bcher-kva.example/o/n", ref: "" },
  ],
  ["o/.github", { kind: "repository", url: "https://github.com/o/.github", ref: "" }],
])("%s is taken", (text, parsed) => {
  expect(parseRepoRef(text, rules)).toEqual(parsed);
});

test.each([
  // Nothing, too much, not ASCII.
  "",
  "x".repeat(513),
  "a b",
  "a\nb",
  "naïve",
  "owner/nаme",
  "a\u0000",
  // Options where a value should be.
  "-x",
  "--upload-pack=touch x",
  "owner/-name",
  "-owner/name",
  "owner/name@-b",
  "owner/name@--upload-pack=x",
  "owner/name@a/-b",
  // Other transports and paths of the machine.
  "ext::sh -c id",
  "file:///etc/passwd",
  "ssh://git@github.com/o/n",
  "git@github.com:o/n",
  "git://github.com/o/n",
  "http://github.com/o/n",
  "ftp://github.com/o/n",
  "https:github.com/o/n",
  "/etc/passwd",
  "./x",
  "../x",
  "~/x",
  "//github.com/o/n",
  ".",
  "..",
  "a..b",
  // Credentials.
  "https://user@github.com/o/n",
  "https://user:pw@github.com/o/n",
  "https://@github.com/o/n",
  "https://token@evil.example@github.com/o/n",
  // Addresses in every spelling, and names of this machine.
  "https://127.0.0.1/o/n",
  "https://2130706433/o/n",
  "https://0x7f000001/o/n",
  "https://0x7f.1/o/n",
  "https://0177.0.0.1/o/n",
  "https://127.1/o/n",
  "https://[::1]/o/n",
  "https://[::ffff:127.0.0.1]/o/n",
  "https://169.254.169.254/o/n",
  "https://1.2.3.0x4/o/n",
  "https://localhost/o/n",
  "https://a.localhost/o/n",
  "https://metadata.google.internal/o/n",
  "https://localhost./o/n",
  "https://github.com./o/n",
  "http://localhost:1/o/n",
  // Hosts that are none.
  "https:///o/n",
  "https://-a.com/o/n",
  "https://a-.com/o/n",
  "https://a..com/o/n",
  "https://a_b.com/o/n",
  "https://github.com:22/o/n",
  "https://github.com:443:443/o/n",
  "https://github.com\\@evil.example/o/n",
  "https://github.com#@evil.example/o/n",
  "https://github.com?/o/n",
  // Paths.
  "https://github.com",
  "https://github.com/o",
  "https://github.com/o/",
  "https://github.com//o/n",
  "https://github.com/o//n",
  "https://github.com/o/../n",
  "https://github.com/o/n%2e",
  "https://github.com/o/n?x=1",
  "https://github.com/o/n#x",
  "https://github.com/o/n\\x",
  "https://github.com/a/b/c/d/e/f/g/h/i",
  "o/n/x",
  "o/..",
  "o/n.",
  "o/.git",
  "o/n;id",
  "o/$(id)",
  "o/`id`",
  "o/n|id",
  // Refs that git refuses.
  "o/n@",
  "o/n@@",
  "o/n@a..b",
  "o/n@a//b",
  "o/n@/a",
  "o/n@a/",
  "o/n@a.lock",
  "o/n@.a",
  "o/n@a/.b",
  "o/n@a.",
  "o/n@a~1",
  "o/n@a^",
  "o/n@a:b",
  "o/n@a?b",
  "o/n@a*",
  "o/n@a[b",
  "o/n@a\\b",
  "o/n@HEAD@{1}",
  "o/n@a b",
  "test@main",
])("%j is refused", (text) => {
  expect(parseRepoRef(text, rules)).toMatchObject({ kind: "refused", reason: expect.stringContaining("repo_ref") });
});

test("plain HTTP is for loopback alone, and only where it was allowed", () => {
  const insecure = { ...rules, allowInsecure: true };
  const local = { kind: "repository", url: "http://127.0.0.1:3000/o/n", ref: "main" };
  expect(parseRepoRef("http://127.0.0.1:3000/o/n@main", insecure)).toEqual(local);
  expect(parseRepoRef("http://127.0.0.1:3000/o/n@main", rules)).toMatchObject({ kind: "refused" });
  expect(parseRepoRef("http://github.com/o/n", insecure)).toMatchObject({ kind: "refused" });
  expect(parseRepoRef("http://127.0.0.1:3000@github.com/o/n", insecure)).toMatchObject({ kind: "refused" });
});
