/** What the gateway makes of a runner's answer, or of its silence. */
import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError } from "@connectrpc/connect";
import { type Runner, RunnerSchema, RunnerState } from "#gen/fleet/v1/runner_pb.js";
import type { RunnerClient } from "../runner-client.ts";
import type { KnownRunner } from "./fleet-store.ts";

const checkTimeoutMs = 5_000;

/** Calls a runner and returns what is known about it then. */
export async function checkRunner(runner: KnownRunner, client: RunnerClient): Promise<KnownRunner> {
  const startMs = performance.now();
  try {
    const { info } = await client.getRunner({}, { timeoutMs: checkTimeoutMs });
    // A runner forgets over a restart that it was drained.
    if (info?.draining === false && runner.drained) await client.drain({ draining: true });
    const latencyMs = performance.now() - startMs;
    const problem = info?.isolation?.problem ?? "";
    return { ...runner, seenMs: Date.now(), latencyMs, problem, misconfigured: problem !== "", info };
  } catch (error) {
    const { code, rawMessage } = ConnectError.from(error);
    return {
      ...runner,
      problem: rawMessage,
      misconfigured: code === Code.Unauthenticated || code === Code.Unimplemented,
    };
  }
}

/** How a runner stands, for the queue. */
export function runnerState({ problem, drained, info }: KnownRunner): "online" | "draining" | "offline" {
  if (problem !== "" || info === undefined) return "offline";
  return drained || info.draining ? "draining" : "online";
}

/** A runner as callers see it. */
export function toRunner(runner: KnownRunner, leasedSlots: number): Runner {
  const { name, url, configured, seenMs, latencyMs, problem, info } = runner;
  return create(RunnerSchema, {
    name,
    url,
    configured,
    problem,
    leasedSlots,
    state: publicState(runner),
    ...(seenMs === 0 ? {} : { lastSeenTime: timestampFromMs(seenMs), latency: durationFromMs(latencyMs) }),
    ...(info === undefined ? {} : { info }),
  });
}

function publicState(runner: KnownRunner): RunnerState {
  const state = runnerState(runner);
  if (state === "online") return RunnerState.ONLINE;
  if (state === "draining") return RunnerState.DRAINING;
  return runner.misconfigured ? RunnerState.MISCONFIGURED : RunnerState.OFFLINE;
}
