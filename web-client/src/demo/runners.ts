import { create } from "@bufbuild/protobuf";
import { durationFromMs, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { CgroupVersion, IsolationKind, type Runner, RunnerSchema, RunnerState } from "#gen/fleet/v1/runner_pb.js";

/** A runner that is well. */
export function onlineRunner(
  name: string,
  change: { readonly slots?: number; readonly labels?: string[] } = {},
): Runner {
  return create(RunnerSchema, {
    name,
    url: `https://${name}.example.com`,
    state: RunnerState.ONLINE,
    lastSeenTime: timestampFromMs(Date.now()),
    latency: durationFromMs(18),
    configured: name === "vm-1",
    info: {
      name,
      version: "1.0.0",
      slots: 3,
      platform: "linux-x64",
      startTime: timestampFromMs(Date.now() - 3 * 86_400_000),
      labels: ["linux", "x64"],
      executors: [
        { name: "task", version: "1.0.0" },
        { name: "claude", version: "2.1.330" },
      ],
      freeDiskBytes: 41_200_000_000n,
      minFreeDiskBytes: 2_000_000_000n,
      daySpentMicros: 1_840_000n,
      dayBudgetMicros: 20_000_000n,
      allowedHosts: ["registry.npmjs.org", "github.com"],
      isolation: {
        kind: IsolationKind.BUBBLEWRAP,
        summary: "bubblewrap, own user for each job",
        walls: [
          { name: "files", holds: true, detail: "a job sees its workspace and the system, read-only" },
          { name: "network", holds: true, detail: "only through the proxy, to allowed hosts" },
          { name: "processes", holds: true, detail: "a job sees its own alone" },
          { name: "users", holds: true, detail: "every slot has a user of its own" },
        ],
        ownUsers: true,
        cgroups: CgroupVersion.V2,
        memoryBytes: 4_294_967_296n,
        maxProcesses: 512,
        diskBytes: 10_737_418_240n,
      },
      ...change,
    },
  });
}

/** A runner that has not answered for a while. */
export function offlineRunner(name: string, agoMs: number): Runner {
  return {
    ...onlineRunner(name),
    state: RunnerState.OFFLINE,
    lastSeenTime: timestampFromMs(Date.now() - agoMs),
    problem: "the tunnel answers 530: no connection to the runner",
  };
}
