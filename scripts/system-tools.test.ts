import { expect, test } from "vitest";
import { chooseRemedy } from "./system-tools.ts";

const debian = { platform: "linux", isRoot: true, hasApt: true } as const;

test("nothing is done when nothing is missing", () => {
  expect(chooseRemedy([], debian)).toEqual({ kind: "nothing" });
});

test("root installs exactly what is missing from Debian", () => {
  expect(chooseRemedy(["bwrap"], debian)).toEqual({
    kind: "run",
    command: "apt-get update && apt-get install -y --no-install-recommends bubblewrap",
  });
});

test.each([
  ["another user", { ...debian, isRoot: false }, "sudo apt-get install -y --no-install-recommends chromium bubblewrap"],
  ["another Linux", { ...debian, hasApt: false }, "install them with your package manager"],
  ["a Mac", { platform: "darwin", isRoot: false, hasApt: false }, "brew install --cask chromium"],
] as const)("%s is told what to install", (_, machine, sentence) => {
  expect(chooseRemedy(["chromium", "bwrap"], machine)).toMatchObject({
    kind: "ask",
    sentence: expect.stringContaining(sentence),
  });
});

test("a Mac needs no bubblewrap", () => {
  expect(chooseRemedy(["bwrap"], { platform: "darwin", isRoot: false, hasApt: false })).toEqual({ kind: "nothing" });
});
