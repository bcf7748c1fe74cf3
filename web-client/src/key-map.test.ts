import { expect, test } from "vitest";
import { keyMap, keysInForce, keyText } from "./key-map.ts";

test("no key does two things at once", () => {
  const places = keyMap.map(({ scope, key }) => `${scope === "log" ? "log" : "page"} ${key}`);
  expect(new Set(places).size).toBe(places.length);
});

test("a chosen key takes the place of the usual one", () => {
  const keys = keysInForce({ stop: "Q" });
  expect(keys.find(({ action }) => action === "stop")?.key).toBe("Q");
  expect(keys.find(({ action }) => action === "retry")?.key).toBe("R");
});

test.each([
  [{ key: "s", code: "KeyS" }, "S"],
  [{ key: "Y", code: "KeyY", shiftKey: true }, "Shift+Y"],
  [{ key: "k", code: "KeyK", metaKey: true }, "Ctrl+K"],
  [{ key: "?", code: "Slash", shiftKey: true }, "?"],
  [{ key: ":", code: "Period", shiftKey: true }, ":"],
  [{ key: "!", code: "Digit1", shiftKey: true }, "Shift+1"],
  [{ key: "1", code: "Digit1" }, "1"],
  [{ key: " ", code: "Space" }, "Space"],
  [{ key: "ArrowDown", code: "ArrowDown", shiftKey: true }, "Shift+ArrowDown"],
])("%o is written %s", (pressed, text) => {
  const released = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };
  expect(keyText({ ...released, ...pressed })).toBe(text);
});

test("a keyboard on which ? is a shifted digit still writes ?", () => {
  const pressed = { key: "?", code: "Minus", ctrlKey: false, metaKey: false, altKey: false, shiftKey: true };
  expect(keyText(pressed)).toBe("?");
});
