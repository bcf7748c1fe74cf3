import { delimiter } from "node:path";
import { describe, expect, test } from "vitest";
import { isInstalled, isNewEnough, systemPath } from "./node-setup.mjs";

describe("isInstalled", () => {
  const lock = {
    packages: {
      "": {},
      "node_modules/preact": { version: "11.2.0" },
      "node_modules/buf-darwin": { version: "1.74.0", optional: true },
    },
  };

  test("holds when every package has its locked version", () => {
    expect(isInstalled(lock, lock)).toBe(true);
  });

  test("holds without another platform's package", () => {
    expect(isInstalled(lock, { packages: { "node_modules/preact": { version: "11.2.0" } } })).toBe(true);
  });

  test("fails when a package is missing", () => {
    expect(isInstalled(lock, { packages: {} })).toBe(false);
  });

  test.each(["node_modules/preact", "node_modules/buf-darwin"])("fails when %s has another version", (path) => {
    expect(isInstalled(lock, { packages: { ...lock.packages, [path]: { version: "0.0.1" } } })).toBe(false);
  });
});

test.each([
  ["v22.18.0", true],
  ["v22.17.9", false],
  ["v24.0.0", true],
  ["v20.20.2", false],
])("Node %s satisfies >=22.18: %s", (version, expected) => {
  expect(isNewEnough(version, ">=22.18")).toBe(expected);
});

test("the system's PATH leaves out the folders npm adds", () => {
  const path = ["/repo/node_modules/.bin", "/npm/node-gyp-bin", "/usr/bin"].join(delimiter);
  expect(systemPath(path)).toBe("/usr/bin");
});
