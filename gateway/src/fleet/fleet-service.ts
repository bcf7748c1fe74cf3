/** FleetService: asks the fleet's Durable Object and turns refusals into errors. */
import { durationFromMs, durationMs } from "@bufbuild/protobuf/wkt";
import { Code, type ServiceImpl } from "@connectrpc/connect";
import type { FleetService } from "#gen/fleet/v1/fleet_service_pb.js";
import { RunnerState } from "#gen/fleet/v1/runner_pb.js";
import { ProblemReason } from "#gen/job/v1/problem_pb.js";
import { problemError } from "#protocol/problem.ts";
import { value } from "../answer.ts";
import type { Env } from "../env.ts";
import { usageRange } from "./usage-range.ts";

/** The service over these bindings. Callers are known and allowed by then: see auth/. */
export function createFleetService(env: Env): ServiceImpl<typeof FleetService> {
  const fleet = () => env.FLEET.getByName("fleet");
  return {
    async listRunners() {
      return { runners: await fleet().runners() };
    },

    async checkRunner({ name }) {
      const startMs = performance.now();
      const runner = value(await fleet().check(name));
      if (runner.state === RunnerState.OFFLINE || runner.state === RunnerState.MISCONFIGURED) {
        throw problemError({
          code: Code.Unavailable,
          reason: ProblemReason.RUNNER_OFFLINE,
          message: runner.problem,
          action: "Check that the runner and its tunnel are up and that both sides have the same secret.",
          retryAfterMs: 2_000,
        });
      }
      const toRunnerMs = runner.latency === undefined ? 0 : durationMs(runner.latency);
      const toFleetMs = Math.max(0, performance.now() - startMs - toRunnerMs);
      const hops = [
        { name: "worker to fleet", latency: durationFromMs(toFleetMs) },
        { name: "gateway to runner", latency: durationFromMs(toRunnerMs) },
      ];
      return { runner, hops };
    },

    async drainRunner({ name }) {
      return { runner: value(await fleet().drain(name, true)) };
    },

    async resumeRunner({ name }) {
      return { runner: value(await fleet().drain(name, false)) };
    },

    async addRunner({ name, url }) {
      return { runner: value(await fleet().add(name, url)) };
    },

    async removeRunner({ name }) {
      value(await fleet().remove(name));
      return {};
    },

    async getUsage({ since, until, groupBy }) {
      const days = usageRange({ ...(since && { since }), ...(until && { until }) }, Date.now());
      return await fleet().usage(days, groupBy);
    },
  };
}
