import { expect, test } from "vitest";
import { createMemoryStorage } from "../ui/storage.ts";
import { createSettings, freshSettings, parseSettings } from "./settings.ts";

test("what is changed is remembered, and nothing else", () => {
  const storage = createMemoryStorage();
  createSettings(() => storage).change({ hasKeys: false, theme: "light", keys: { stop: "Q" } });
  expect(createSettings(() => storage).value.value).toEqual({
    ...freshSettings,
    hasKeys: false,
    theme: "light",
    keys: { stop: "Q" },
  });
});

test.each([
  ["nothing", null],
  ["no JSON", "{"],
  ["another kind of thing", "[1]"],
  ["fields of another kind", '{"theme":"pink","hasKeys":"yes","keys":{"stop":1},"quietFrom":5}'],
])("%s gives fresh settings", (_, text) => {
  expect(parseSettings(text)).toEqual(freshSettings);
});
