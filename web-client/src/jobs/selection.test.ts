import { expect, test } from "vitest";
import { createMemoryStorage } from "../ui/storage.ts";
import { createSelection } from "./selection.ts";

test("a job is picked and put back", () => {
  const selection = createSelection(() => createMemoryStorage());
  selection.toggle("a");
  selection.add("b");
  selection.add("b");
  selection.toggle("a");
  expect([...selection.ids.value]).toEqual(["b"]);
  selection.clear();
  expect(selection.ids.value.size).toBe(0);
});

test("a group is recalled after a reload, and picks its jobs", () => {
  const storage = createMemoryStorage();
  createSelection(() => storage).store("3", ["a", "b"]);
  const reloaded = createSelection(() => storage);
  expect(reloaded.recall("3")).toEqual(["a", "b"]);
  expect([...reloaded.ids.value]).toEqual(["a", "b"]);
  expect(reloaded.recall("4")).toEqual([]);
});
