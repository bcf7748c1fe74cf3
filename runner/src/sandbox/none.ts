import type { Sandbox } from "./sandbox.ts";

/** No walls: commands run as the runner's own user, and reach whatever that one does. */
export const noSandbox: Sandbox = {
  kind: "none",
  user: undefined,
  confine: ({ argv, env, directory }) => ({ argv, env, directory }),
  forOwnerOf: () => noSandbox,
};
