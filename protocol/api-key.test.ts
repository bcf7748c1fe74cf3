import { expect, test } from "vitest";
import { findApiKey, newApiKey, parseApiKeys } from "./api-key.ts";

const hash = "a".repeat(64);
const now = Date.UTC(2026, 0, 2, 12);

test("a new key is found by its entry, among others", async () => {
  const mine = await newApiKey("mine", "operator");
  const other = await newApiKey("other", "admin", "2026-01-02");
  const keys = parseApiKeys(`${mine.entry}\n${other.entry}`);
  expect(mine.key).toMatch(/^bc_mine_[0-9a-f]{64}$/);
  expect(await findApiKey(keys, mine.key, now)).toMatchObject({ id: "mine", scope: "operator" });
  expect(await findApiKey(keys, other.key, now)).toMatchObject({ id: "other", scope: "admin" });
});

test("a key is good until the end of its last day", async () => {
  const { key, entry } = await newApiKey("ci", "viewer", "2026-01-02");
  const keys = parseApiKeys(entry);
  expect(await findApiKey(keys, key, Date.UTC(2026, 0, 3) - 1)).toBeDefined();
  expect(await findApiKey(keys, key, Date.UTC(2026, 0, 3))).toBeUndefined();
});

test.each(["", "bc_", "bc_mine_", "Bearer", "bc_mine_short", "x".repeat(100_000)])(
  "%j is nobody's key",
  async (key) => {
    const { entry } = await newApiKey("mine", "admin");
    expect(await findApiKey(parseApiKeys(entry), key, now)).toBeUndefined();
  },
);

test("a key with one other character, or another's id, is refused", async () => {
  const { key, entry } = await newApiKey("mine", "admin");
  const other = await newApiKey("other", "admin");
  const keys = parseApiKeys(`${entry},${other.entry}`);
  const changed = key.endsWith("0") ? `${key.slice(0, -1)}1` : `${key.slice(0, -1)}0`;
  expect(await findApiKey(keys, changed, now)).toBeUndefined();
  expect(await findApiKey(keys, key.replace("mine", "other"), now)).toBeUndefined();
});

test.each([
  ["Mine:admin", /entry 1 has an id/],
  [`a:root:${hash}`, /entry 1 has a scope other than viewer, operator, admin/],
  [`a:admin:${hash.slice(1)}`, /entry 1 has a hash/],
  [`a:admin:${hash}:2026-02-30`, /entry 1 has a last day/],
  [`a:admin:${hash}:tomorrow`, /entry 1 has a last day/],
  [`a:admin:${hash}:2026-01-01:x`, /entry 1 has too many parts/],
  [`a:admin:${hash} a:viewer:${hash}`, /id "a" is used twice/],
  [`a:admin:${hash},bc_b_secret`, /entry 2 has an id/],
])("the list %j is refused without being repeated", (list, message) => {
  expect(() => parseApiKeys(list)).toThrow(message);
  expect(() => parseApiKeys(list)).not.toThrow(/secret|aaaa/);
});
