import { expect, test } from "vitest";
import { editInput } from "./input-edit.ts";
import { describeInput, isLong } from "./input-parts.ts";

test("a command is shown as it is, and everything beside it too", () => {
  const input = { command: "rm -rf build\nnpm test", description: "Test", timeout: 5 };
  expect(describeInput(JSON.stringify(input))).toEqual([
    { kind: "command", title: "Command", text: "rm -rf build\nnpm test" },
    { kind: "other", title: "Also", text: JSON.stringify({ description: "Test", timeout: 5 }, null, 2) },
  ]);
});

test("a file edit is its text before and after, also when there are several", () => {
  const edits = [
    { old_string: "a", new_string: "b" },
    { old_string: "c", new_string: "d", replace_all: true },
  ];
  expect(describeInput(JSON.stringify({ file_path: "/w/x.ts", edits })).map(({ kind, text }) => [kind, text])).toEqual([
    ["path", "/w/x.ts"],
    ["before", "a"],
    ["after", "b"],
    ["before", "c"],
    ["after", "d"],
    ["other", JSON.stringify({ replace_all: true }, null, 2)],
  ]);
});

test.each([
  ['{"url":"https://example.com"}', '{\n  "url": "https://example.com"\n}'],
  ["{}", "{}"],
  ["[1]", "[1]"],
  ['{"cut', '{"cut'],
])("the input %s is shown as JSON, or as it came", (inputJson, text) => {
  expect(describeInput(inputJson)).toEqual([{ kind: "other", title: "Input", text }]);
});

test("a field of an unexpected type is not lost", () => {
  const input = { command: ["a"], file_path: 7, edits: "none", content: null };
  const shown = describeInput(JSON.stringify(input)).map(({ text }) => text);
  expect(shown).toEqual([JSON.stringify(["a"], null, 2), "7", '"none"', "null"]);
});

test("forty lines are short, forty-one are long, and so is one line that fills as many", () => {
  expect(isLong([{ text: "x\n".repeat(39) }])).toBe(false);
  expect(isLong([{ text: "x\n".repeat(40) }])).toBe(true);
  expect(isLong([{ text: "x\n".repeat(20) }, { text: "x\n".repeat(20) }])).toBe(true);
  expect(isLong([{ text: "x".repeat(5_000) }])).toBe(true);
});

test("a changed command keeps the rest of the input", () => {
  const edit = editInput(JSON.stringify({ command: "npm test", timeout: 5 }));
  expect(edit.text).toBe("npm test");
  expect(edit.toJson("npm run lint")).toBe(JSON.stringify({ command: "npm run lint", timeout: 5 }));
  expect(edit.toJson("  ")).toBeUndefined();
});

test("any other input is changed as JSON, and only an object is one", () => {
  const edit = editInput('{"url":"https://example.com"}');
  expect(edit.toJson('{"url": "https://example.org"}')).toBe('{"url":"https://example.org"}');
  expect(edit.toJson("[]")).toBeUndefined();
  expect(edit.toJson("{")).toBeUndefined();
});
