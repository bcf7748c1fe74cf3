import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { type Ask, AskSchema, AskState } from "#gen/job/v1/ask_pb.js";
import { chooseShown, openAsks, withAsks } from "./ask-list.ts";

test("the oldest ask is shown first, and a newer one never takes the place of one that is shown", () => {
  const [first, second, third] = [ask("b", 2), ask("c", 3), ask("a", 1)];
  const one = openAsks(withAsks(new Map(), [first, second]));
  expect(chooseShown(one, undefined)?.id).toBe("b");
  const later = openAsks(withAsks(new Map(), [first, second, third]));
  expect(later.map(({ id }) => id)).toEqual(["a", "b", "c"]);
  expect(chooseShown(later, "b")?.id).toBe("b");
  expect(chooseShown(later, "gone")?.id).toBe("a");
});

test("of many closed asks the last are held, and every open one", () => {
  let list = withAsks(new Map(), [ask("open", 0)]);
  for (let at = 1; at <= 80; at++) list = withAsks(list, [ask(`closed${at}`, at, AskState.DECIDED)]);
  expect(list.size).toBe(51);
  expect([list.has("open"), list.has("closed30"), list.has("closed31")]).toEqual([true, false, true]);
});

test("what is known already is no change", () => {
  const list = withAsks(new Map(), [ask("a", 1)]);
  expect(withAsks(list, [ask("a", 1), create(AskSchema, { id: "none" })])).toBe(list);
});

function ask(id: string, createdS: number, state = AskState.OPEN): Ask {
  return create(AskSchema, { id, state, createTime: { seconds: BigInt(createdS) } });
}
