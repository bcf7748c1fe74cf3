import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ServiceImpl } from "@connectrpc/connect";
import { type FleetService, UsageGrouping } from "#gen/fleet/v1/fleet_service_pb.js";
import { type Runner, RunnerState } from "#gen/fleet/v1/runner_pb.js";
import { type Usage, UsageSchema } from "#gen/job/v1/job_pb.js";
import { isOnline } from "../fleet/runner-store.ts";
import type { World } from "./world.ts";

/** FleetService over a world in memory. */
export function createDemoFleetService(world: World): Partial<ServiceImpl<typeof FleetService>> {
  const leased = (runner: Runner): Runner => ({ ...runner, leasedSlots: world.held(runner.name).length });
  const find = (name: string): Runner => {
    const runner = name === "" ? world.runners.values().next().value : world.runners.get(name);
    if (!runner) throw new ConnectError(`no runner has the name ${name}`, Code.NotFound);
    return runner;
  };
  const setState = (name: string, state: RunnerState) => {
    const runner = { ...find(name), state };
    if (runner.info) runner.info = { ...runner.info, draining: state === RunnerState.DRAINING };
    world.runners.set(name, runner);
    world.dispatch();
    world.bell.ring();
    return { runner: leased(runner) };
  };
  return {
    listRunners: () => ({ runners: [...world.runners.values()].map(leased) }),
    checkRunner: ({ name }) => {
      const runner = find(name);
      if (!isOnline(runner)) throw new ConnectError(runner.problem, Code.Unavailable);
      const hops = [
        { name: "tunnel", latency: durationFromMs(11) },
        { name: "runner", latency: durationFromMs(7) },
      ];
      return { runner: leased(runner), hops };
    },
    drainRunner: ({ name }) => setState(name, RunnerState.DRAINING),
    resumeRunner: ({ name }) => setState(name, RunnerState.ONLINE),
    getUsage: ({ groupBy }) => {
      const rows = usageRows(world, groupBy);
      return { rows, total: sum(rows.map(({ usage }) => usage)) };
    },
  };
}

function usageRows(world: World, groupBy: UsageGrouping) {
  const byKey = new Map<string, Usage[]>();
  for (const { job } of world.jobs.values()) {
    if (!job.usage) continue;
    const key = {
      [UsageGrouping.UNSPECIFIED]: today(),
      [UsageGrouping.DAY]: today(),
      [UsageGrouping.REPOSITORY]: job.spec?.repoRef ?? "",
      [UsageGrouping.MODEL]: job.usageByModel[0]?.model ?? "",
      [UsageGrouping.JOB]: job.id,
    }[groupBy];
    byKey.set(key, [...(byKey.get(key) ?? []), job.usage]);
  }
  return [...byKey].map(([key, usages]) => ({ key, jobs: usages.length, usage: sum(usages) }));
}

function sum(usages: readonly Usage[]): Usage {
  return usages.reduce(
    (total, usage) =>
      create(UsageSchema, {
        inputTokens: total.inputTokens + usage.inputTokens,
        outputTokens: total.outputTokens + usage.outputTokens,
        cacheReadTokens: total.cacheReadTokens + usage.cacheReadTokens,
        costMicros: total.costMicros + usage.costMicros,
        requests: total.requests + usage.requests,
      }),
    create(UsageSchema),
  );
}

function today(): string {
  return new Date().toISOString().slice(0, 10);
}
