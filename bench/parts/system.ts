import { randomBytes } from "node:crypto";
import { JobClient } from "./job-client.ts";
import { type Runner, type RunnerOptions, startRunner } from "./runner.ts";
import { type Bundle, startWorkerd, type Workerd } from "./workerd.ts";

/** The system under test: a runner and a gateway, each a real process. */
export interface System {
  readonly runner: Runner;
  readonly workerd: Workerd;
  readonly jobs: JobClient;
  close(): Promise<void>;
}

/** Starts a system and waits until its gateway reaches its runner. */
export async function openSystem(bundle: Bundle, options: Omit<RunnerOptions, "secret"> = {}): Promise<System> {
  const secret = randomBytes(32).toString("hex");
  const runner = await startRunner({ secret, ...options });
  const variables = { RUNNER_SECRET: secret, RUNNER_URL: runner.url, LOCAL_DEV: "1" };
  const workerd = await startWorkerd(bundle, variables).catch(async (error: unknown) => {
    await runner.close();
    throw error;
  });
  const jobs = new JobClient(workerd.url);
  const system: System = {
    runner,
    workerd,
    jobs,
    async close() {
      jobs.close();
      // The runner's jobs first, for the gateway to take their ends.
      await runner.close();
      await workerd.close();
    },
  };
  await warmUp(system).catch(async (error: unknown) => {
    await system.close();
    throw error;
  });
  return system;
}

/** One job from end to end, so that no measurement meets code or connections that were never used. */
async function warmUp({ jobs }: System): Promise<void> {
  const id = await jobs.create(["echo", "warm"]);
  await jobs.watch(id, () => undefined);
  await jobs.delete(id);
}
