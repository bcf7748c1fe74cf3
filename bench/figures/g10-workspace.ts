import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { startGitServer } from "../../e2e/git/git-server.ts";
import { runGit } from "../../e2e/git/run-git.ts";
import { atMost, type Figure, row } from "../figure.ts";
import { alternate, ratios, values } from "../measure.ts";
import { makeLargeRepository } from "../parts/large-repository.ts";
import { openSystem, type System } from "../parts/system.ts";

/** Until a job on a repository has its files, with what the host has had a moment ago, against a plain clone. */
export const workspaceReady: Figure = {
  id: "G10",
  title: "From asking for a repository to its files, and the disk that takes",
  async measure({ gateway, rounds, scale }) {
    const room = await mkdtemp(join(tmpdir(), "blazecraft-bench-repository-"));
    const repository = await makeLargeRepository(room, { commits: 24_000 * scale, files: 3000 });
    await using server = await startGitServer({ folder: room });
    const url = `${server.url}/acme/large`;
    const fresh = await openSystem(gateway, { env: { ALLOW_INSECURE_GIT: "true", MAX_POOLED_WORKSPACES: "0" } });
    const pooled = await openSystem(gateway, { env: { ALLOW_INSECURE_GIT: "true" } });
    try {
      const runs = await alternate(rounds, {
        clone: async () => {
          await repository.commit();
          return measureClone(url, room);
        },
        fresh: () => measureJob(fresh, url, { isReused: false }),
        pooled: () => measureJob(pooled, url, { isReused: true }),
      });
      const times = (name: string) => values(runs, name, ({ readyMs }) => readyMs);
      const files = values(runs, "clone", ({ mebibytes }) => mebibytes);
      const beyond = values(runs, "fresh", ({ mebibytes }) => mebibytes).map(
        (size, round) => size - (files[round] ?? 0),
      );
      return [
        row("plain clone", "ms", times("clone")),
        row("new workspace", "ms", times("fresh")),
        row("reused workspace", "ms", times("pooled")),
        atMost(0.35, "new over a plain clone", ratios(times("fresh"), times("clone"))),
        atMost(0.1, "reused over a plain clone", ratios(times("pooled"), times("clone"))),
        { ...atMost(1, "disk beyond the files", beyond), unit: "MiB" },
      ];
    } finally {
      await Promise.all([fresh.close(), pooled.close()]);
      await rm(room, { recursive: true });
    }
  },
};

interface Sample {
  readonly readyMs: number;
  /** Of a clone the files alone; of a workspace all of it. */
  readonly mebibytes: number;
}

async function measureClone(url: string, room: string): Promise<Sample> {
  const clone = join(room, "clone");
  const startMs = performance.now();
  await runGit(room, ["clone", "--quiet", url, clone]);
  const readyMs = performance.now() - startMs;
  const mebibytes = (await sizeOf(clone)) - (await sizeOf(join(clone, ".git")));
  await rm(clone, { recursive: true });
  return { readyMs, mebibytes };
}

async function measureJob(
  { jobs, runner }: System,
  repoRef: string,
  { isReused }: { readonly isReused: boolean },
): Promise<Sample> {
  await runner.untilRested();
  let readyMs = Number.NaN;
  let output = "";
  const id = await jobs.create(["du", "-sk", "."], repoRef);
  await jobs.watch(
    id,
    (bytes) => {
      output += Buffer.from(bytes).toString();
    },
    (payload) => {
      if (payload.case !== "workspace" || payload.value.event.case !== "checkedOut") return;
      const { duration, reused } = payload.value.event.value;
      if (duration !== undefined && reused === isReused) readyMs = durationMs(duration);
    },
  );
  await runner.untilRested();
  await jobs.delete(id);
  return { readyMs, mebibytes: Number.parseInt(output, 10) / 1024 };
}

async function sizeOf(path: string): Promise<number> {
  const { stdout } = await promisify(execFile)("du", ["-sk", path]);
  return Number.parseInt(stdout, 10) / 1024;
}
