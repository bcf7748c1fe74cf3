import { expect, test } from "vitest";
import { createAnnouncer } from "./announcer.ts";

test("what is said in quick succession becomes one message 5 s later", () => {
  const timers: (() => void)[] = [];
  const announcer = createAnnouncer((ms, run) => {
    expect(ms).toBe(5_000);
    timers.push(run);
  });
  announcer.say("lint succeeded");
  announcer.say("test failed");
  announcer.say("docs succeeded");
  expect(announcer.polite.value).toBe("lint succeeded");
  timers.shift()?.();
  expect(announcer.polite.value).toBe("test failed, docs succeeded");
  timers.shift()?.();
  announcer.say("at once");
  expect(announcer.polite.value).toBe("at once");
});
