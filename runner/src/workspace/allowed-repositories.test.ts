import { expect, test } from "vitest";
import { isRepositoryAllowed } from "./allowed-repositories.ts";

test.each([
  ["github.com/acme/api", "https://github.com/acme/api", true],
  ["github.com/acme/api", "https://github.com/acme/api2", false],
  ["github.com/acme/api", "https://github.com/acme/api/sub", false],
  ["github.com/acme/api", "https://gitlab.com/acme/api", false],
  ["github.com/acme/api", "https://github.com/Acme/api", false],
  ["github.com/acme/*", "https://github.com/acme/api", true],
  ["gitlab.com/acme/*", "https://gitlab.com/acme/group/api", true],
  ["github.com/acme/*", "https://github.com/acme2/api", false],
  ["github.com/*", "https://github.com/acme/api", true],
  ["github.com/*", "https://github.com.evil.example/acme/api", false],
  ["127.0.0.1:3000/*", "http://127.0.0.1:3000/acme/api", true],
  ["127.0.0.1/*", "http://127.0.0.1:3000/acme/api", false],
])("where %s is allowed, %s is: %s", (pattern, url, isAllowed) => {
  expect(isRepositoryAllowed(url, ["example.com/else", pattern])).toBe(isAllowed);
});

test("without a choice every repository is allowed, and with an empty one none", () => {
  expect(isRepositoryAllowed("https://github.com/acme/api", undefined)).toBe(true);
  expect(isRepositoryAllowed("https://github.com/acme/api", [])).toBe(false);
});
