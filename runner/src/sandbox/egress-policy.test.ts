import { expect, test } from "vitest";
import { EgressPolicy } from "./egress-policy.ts";
import { expandEgress } from "./egress-presets.ts";
import { formatHostRule, parseHostRule } from "./host-rule.ts";

function policyOf(...items: readonly string[]): EgressPolicy {
  return new EgressPolicy(items.flatMap((item) => expandEgress(item) ?? []));
}

test.each([
  ["github.com", "github.com", 443, true],
  ["github.com", "github.com", 80, false],
  ["github.com", "github.com", 22, false],
  ["github.com", "evil-github.com", 443, false],
  ["github.com", "github.com.evil.com", 443, false],
  ["github.com", "gist.github.com", 443, false],
  ["github.com", "github.co", 443, false],
  ["*.github.com", "gist.github.com", 443, true],
  ["*.github.com", "a.b.github.com", 443, true],
  ["*.github.com", "github.com", 443, false],
  ["*.github.com", "evil-github.com", 443, false],
  ["*.github.com", ".github.com.evil.com", 443, false],
  ["*.github.com", "gist.github.com", 8443, false],
  ["*.github.com:8443", "gist.github.com", 8443, true],
  ["example.com:80", "example.com", 80, true],
  ["example.com:80", "example.com", 443, false],
  ["debian", "deb.debian.org", 80, true],
  ["none", "github.com", 443, false],
])("with %s allowed, %s on port %i passes: %s", (item, host, port, passes) => {
  expect(policyOf(item).allows({ host, port })).toBe(passes);
});

test.each([
  "",
  "*",
  "*.com",
  "*.*.com",
  "a.*.com",
  "Example.com",
  "example.com.",
  ".example.com",
  "exa mple.com",
  "example.com:",
  "example.com:0",
  "example.com:65536",
  "example.com:https",
  "https://example.com",
  "example.com/path",
  "user@example.com",
  "127.0.0.1",
  "2130706433",
  "0x7f.1",
  "[::1]",
  "-example.com",
  `${"a".repeat(64)}.com`,
])("%j is no rule", (text) => {
  expect(parseHostRule(text)).toBeUndefined();
});

test.each([
  "example.com",
  "*.example.com",
  "example.com:80",
  "*.example.com:8443",
  "xn--bcher-kva.example",
  "intranet",
])("%s is written as it was read", (text) => {
  const rule = parseHostRule(text);
  expect(rule && formatHostRule(rule)).toBe(text);
});

test("a word that is a preset stands for its hosts", () => {
  expect(expandEgress("npm")?.map(formatHostRule)).toEqual(["registry.npmjs.org", "registry.yarnpkg.com"]);
  expect(expandEgress("none")).toEqual([]);
  for (const preset of ["git", "pypi", "crates", "go", "debian"])
    expect(expandEgress(preset)?.length).toBeGreaterThan(1);
});

test("a policy grows, and says what is new to it", () => {
  const policy = policyOf();
  const grow = (text: string) => {
    const rule = parseHostRule(text);
    return rule !== undefined && policy.allow(rule);
  };
  expect([grow("example.com"), grow("example.com"), grow("*.example.com"), grow("*.example.com")]).toEqual([
    true,
    false,
    true,
    false,
  ]);
  expect(policy.allows({ host: "example.com", port: 443 })).toBe(true);
  expect(policy.allows({ host: "www.example.com", port: 443 })).toBe(true);
});
