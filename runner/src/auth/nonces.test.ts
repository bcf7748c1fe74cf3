import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Nonces } from "./nonces.ts";

const nonce = (digit: string) => digit.repeat(32);
let directory: string;
let path: string;
let problems: unknown[];

beforeEach(() => {
  directory = mkdtempSync(`${tmpdir()}/blazecraft-nonces-`);
  path = `${directory}/nonces`;
  problems = [];
});

afterEach(() => rmSync(directory, { recursive: true }));

function open(nowMs: number): Nonces {
  return new Nonces(path, nowMs, (error) => problems.push(error));
}

test("a nonce is used once, also over a restart, until no signature with it can be valid", () => {
  expect(open(0).use(nonce("a"), 0)).toBe(true);
  expect(open(1000).use(nonce("a"), 1000)).toBe(false);
  expect(open(120_000).use(nonce("a"), 120_000)).toBe(true);
  expect(problems).toEqual([]);
});

test("on a full disk nonces are still used once, one complaint is made, and all are written when there is room", () => {
  const nonces = open(0);
  rmSync(path);
  symlinkSync("/dev/full", path);
  symlinkSync("/dev/full", `${path}.draft`);
  expect([nonces.use(nonce("a"), 0), nonces.use(nonce("a"), 1), nonces.use(nonce("b"), 2)]).toEqual([
    true,
    false,
    true,
  ]);
  expect(nonces.use(nonce("c"), 5000)).toBe(true);
  expect(problems).toHaveLength(1);
  rmSync(path);
  rmSync(`${path}.draft`);
  expect(nonces.use(nonce("d"), 10_000)).toBe(true);
  expect(readFileSync(path, "utf8").split("\n")).toHaveLength(5);
  expect(open(20_000).use(nonce("a"), 20_000)).toBe(false);
});
