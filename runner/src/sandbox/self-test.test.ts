import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Bubblewrap } from "./bubblewrap.ts";
import { NetworkNamespace } from "./network-namespace.ts";
import { fetchUser } from "./open-sandbox.ts";
import { probe } from "./self-test.ts";
import { type WallName, wallNames } from "./walls.ts";

const room = mkdtempSync(join(tmpdir(), "blazecraft-self-test-"));
const file = join(room, "runner.lock");
const user = fetchUser(1_900_000_000);
let network: NetworkNamespace;

beforeAll(async () => {
  writeFileSync(file, "");
  network = await NetworkNamespace.open();
});

afterAll(() => {
  network[Symbol.dispose]();
  rmSync(room, { recursive: true });
});

/** The walls that a probe got past. */
async function passed(without: readonly WallName[]): Promise<readonly WallName[]> {
  const sandbox = new Bubblewrap({ user, network, readable: [], prefix: [], without });
  const findings = await probe({ sandbox, user, file });
  return findings.filter(({ got }) => got !== "").map(({ wall }) => wall);
}

test("of a whole box the probe gets past no wall", async () => {
  expect(await passed([])).toEqual([]);
});

test.each(wallNames)("without the wall %s the probe says so", async (wall) => {
  expect(await passed([wall])).toContain(wall);
});
