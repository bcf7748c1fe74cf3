import { create } from "@bufbuild/protobuf";
import { execa } from "execa";
import { expect, test } from "vitest";
import { JobSchema, JobSpecSchema, PermissionMode } from "#gen/job/v1/job_pb.js";
import { commandFor, curlFor, debugBundle } from "./copy-text.ts";
import { JobFeed } from "./job-feed.ts";

const task = create(JobSpecSchema, {
  repoRef: "acme/api@main",
  name: "it's",
  work: { case: "task", value: { invocation: { case: "command", value: `echo 'a "b"' && ls` } } },
  limits: { wall: { seconds: 90n } },
});

test("a task's command line reaches its shell as it was typed", async () => {
  const { stdout } = await execa("sh", ["-c", commandFor(task).replace("npx blazecraft run", "printf '%s\\n'")]);
  expect(stdout.split("\n")).toEqual([
    ...["--repo", "acme/api@main", "--name", "it's", "--timeout", "90s", "--", "sh", "-c"],
    `echo 'a "b"' && ls`,
  ]);
});

test("an agent's command line names its mode and its budget", () => {
  const spec = create(JobSpecSchema, {
    repoRef: "local",
    work: { case: "agent", value: { agent: "claude", prompt: "Fix it.", permissionMode: PermissionMode.ACCEPT_EDITS } },
    limits: { budgetMicros: 2_500_000n },
  });
  expect(commandFor(spec)).toBe(
    "npx blazecraft agent --repo local --budget-usd 2.5 --permission-mode accept-edits 'Fix it.'",
  );
});

test("the curl of a task sends what the REST interface takes", async () => {
  const command = curlFor(task, "https://gateway.example").replace(/^curl.* -d /, "printf %s ");
  const { stdout } = await execa("sh", ["-c", command]);
  expect(JSON.parse(stdout)).toEqual({
    type: "task",
    repo_ref: "acme/api@main",
    command: `echo 'a "b"' && ls`,
    name: "it's",
    timeout_ms: 90_000,
  });
});

test("a debug bundle tells no variables", () => {
  const job = create(JobSchema, { id: "job_1", spec: { ...task, env: { TOKEN: "hush" } } });
  expect(debugBundle(job, new JobFeed())).not.toContain("hush");
});
