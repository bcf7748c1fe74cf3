import { expect, test } from "vitest";
import { toCsv } from "./csv.ts";

test("quotes, commas and line ends stay inside their cell", () => {
  expect(toCsv(["name", "cost"], [['a "b", c\r\nd', 1.5]])).toBe('name,cost\r\n"a ""b"", c\r\nd",1.5\r\n');
});

test.each(["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])("a text such as %j is no formula", (text) => {
  expect(toCsv([], [[text]])).toBe(`\r\n'${text}\r\n`);
});

test("a negative number stays a number", () => {
  expect(toCsv(["balance"], [[-1]])).toBe("balance\r\n-1\r\n");
});
