import { create } from "@bufbuild/protobuf";
import { LogStream, PlanItemState } from "#gen/job/v1/job_event_pb.js";
import { EndCause, type JobSpec } from "#gen/job/v1/job_pb.js";
import { DiffSchema, FileChange } from "#gen/job/v1/job_service_pb.js";
import { workText } from "../jobs/job-words.ts";
import type { Act, JobStage } from "./job-stage.ts";

/** What a job that a visitor made does: its command as far as it can be played, or an agent's small task. */
export function actFor(spec: JobSpec): Act {
  if (spec.work.case === "agent") return agentThatAsks;
  const command = workText(spec).trim();
  const echoed = /^echo\s+(.*)$/.exec(command)?.[1];
  return echoed === undefined ? commandThatPasses : commandThatPrints(echoed.replace(/^(["'])(.*)\1$/, "$2"));
}

/** A command that prints a text and ends. */
export function commandThatPrints(text: string): Act {
  return async (stage) => {
    await begin(stage);
    stage.write(text);
    await stage.pause(150);
    return { cause: EndCause.COMPLETED, exitCode: 0 };
  };
}

/** Tests that pass. */
export const commandThatPasses: Act = async (stage) => {
  await begin(stage);
  await install(stage);
  for (const file of testFiles) {
    stage.write(`\x1b[32m✓\x1b[39m ${file} \x1b[2m(${stage.chance.between(3, 19)} tests)\x1b[22m`);
    await stage.pause(stage.chance.between(200, 900));
  }
  stage.write("\n\x1b[1mTests\x1b[22m  \x1b[32m48 passed\x1b[39m (48)");
  return { cause: EndCause.COMPLETED, exitCode: 0 };
};

/** Tests of which one fails. */
export const commandThatFails: Act = async (stage) => {
  await begin(stage);
  await install(stage);
  for (const file of testFiles.slice(0, 4)) {
    stage.write(`\x1b[32m✓\x1b[39m ${file}`);
    await stage.pause(300);
  }
  stage.write("\x1b[31m✗\x1b[39m src/auth/session.test.ts");
  stage.write(
    [
      "AssertionError: expected 401 to be 200",
      "    at src/auth/session.test.ts:42:31",
      "    - Expected  200",
      "    + Received  401",
    ].join("\n"),
    LogStream.STDERR,
  );
  await stage.pause(200);
  stage.write("\n\x1b[1mTests\x1b[22m  \x1b[31m1 failed\x1b[39m | 47 passed (48)");
  stage.write("npm error code 1\nnpm error command sh -c vitest run", LogStream.STDERR);
  return { cause: EndCause.EXIT_CODE, exitCode: 1 };
};

/** A command that works on and on, a line every now and then. */
export const commandThatGoesOn: Act = async (stage) => {
  await begin(stage);
  for (let minute = 1; minute <= 240; minute++) {
    stage.write(`[${minute}/240] trained on batch ${minute}, loss ${(3 / Math.sqrt(minute)).toFixed(3)}`);
    await stage.pause(4_000);
  }
  return { cause: EndCause.COMPLETED, exitCode: 0 };
};

/** A command that writes very many lines, most of them at once. */
export function commandThatFloods(lines: number): Act {
  return async (stage) => {
    await begin(stage);
    const piece = 2_500;
    for (let from = 1; from <= lines; from += piece) {
      const until = Math.min(lines, from + piece - 1);
      stage.write(Array.from({ length: until - from + 1 }, (_, index) => floodLine(from + index)).join("\n"));
      // At most of it, the job is already when the page opens.
      await stage.pause(from < lines * 0.9 ? 20 : 500);
    }
    return { cause: EndCause.COMPLETED, exitCode: 0 };
  };
}

/** An agent that fixes a test and is done. */
export const agentThatFixes: Act = async (stage) => {
  await investigate(stage);
  await stage.use("Bash", { command: "npm test" }, { text: "Tests  48 passed (48)", ms: 1_800 });
  return finish(stage);
};

/** An agent that fixes a test and may not run it unasked. */
export const agentThatAsks: Act = async (stage) => {
  await investigate(stage);
  const command = "npm test -- src/auth";
  const decision = await stage.ask({
    case: "permission",
    value: {
      tool: "Bash",
      inputJson: JSON.stringify({ command, description: "Run the tests of the session" }),
      reason: "The command is not on the list of those that need no question.",
      suggestedRules: ["Bash(npm test:*)"],
      workspace: "/work/acme-api",
    },
  });
  if (decision?.verdict.case === "allow") {
    await stage.use("Bash", { command }, { text: "Tests  12 passed (12)", ms: 1_800 });
  } else {
    await stage.say("I leave the tests to you, then.");
  }
  return finish(stage);
};

/** An agent that wants to know something. */
export const agentThatWonders: Act = async (stage) => {
  stage.begin();
  await stage.say("Two names would fit the new table. I would rather ask.");
  const decision = await stage.ask({
    case: "questions",
    value: {
      questions: [
        {
          header: "Table",
          text: "What should the table of sign-ins be called?",
          choices: [
            { label: "sessions", description: "As the code calls them" },
            { label: "sign_ins", description: "As the product calls them" },
          ],
        },
      ],
    },
  });
  const answer =
    decision?.verdict.case === "answers" ? decision.verdict.value.answers[0]?.values.join(", ") : undefined;
  await stage.say(answer ? `Then it is ${answer}.` : "Without an answer I stop here.");
  return finish(stage);
};

async function begin(stage: JobStage): Promise<void> {
  stage.emit({ case: "workspace", value: { event: { case: "scratch", value: { name: "local" } } } });
  stage.emit({ case: "process", value: { event: { case: "started", value: { pid: 4_711 } } } });
  await stage.pause(120);
}

async function install(stage: JobStage): Promise<void> {
  stage.write("$ npm ci");
  await stage.pause(900);
  stage.write("added 312 packages in 4s");
  await stage.pause(300);
  stage.write("$ vitest run");
  await stage.pause(500);
}

async function investigate(stage: JobStage): Promise<void> {
  stage.emit({
    case: "workspace",
    value: {
      event: {
        case: "checkedOut",
        value: { commit: "3f9c1d20a7b4e85c6d1f", ref: "main", subject: "Rotate session keys daily" },
      },
    },
  });
  stage.begin();
  await stage.say("The session test fails since the key rotation. I look at how the key is chosen.", "thinking");
  await stage.say("I look at the failing test first, then at the code it tests.");
  stage.plan([
    ["Find out why the test fails", PlanItemState.ACTIVE],
    ["Fix it", PlanItemState.OPEN],
    ["Run the tests", PlanItemState.OPEN],
  ]);
  await stage.use("Read", { file_path: "src/auth/session.ts" }, { text: sessionSource });
  await stage.use("Grep", { pattern: "currentKey" }, { text: "src/auth/session.ts:14\nsrc/auth/keys.ts:3" });
  stage.plan([
    ["Find out why the test fails", PlanItemState.DONE],
    ["Fix it", PlanItemState.ACTIVE],
    ["Run the tests", PlanItemState.OPEN],
  ]);
  await stage.say(
    "A session is checked against the newest key alone. It has to be checked against every key that is still valid.",
  );
  await stage.use(
    "Edit",
    {
      file_path: "src/auth/session.ts",
      old_string: "verify(token, currentKey())",
      new_string: "validKeys().some((key) => verify(token, key))",
    },
    { text: "The file src/auth/session.ts has been updated." },
  );
}

async function finish(stage: JobStage): Promise<{ cause: EndCause; exitCode: number; result: string }> {
  stage.plan([
    ["Find out why the test fails", PlanItemState.DONE],
    ["Fix it", PlanItemState.DONE],
    ["Run the tests", PlanItemState.DONE],
  ]);
  const text = "Sessions signed with yesterday's key are valid again: every key that has not expired is tried.";
  await stage.say(text);
  stage.endTurn(text, 14_200);
  stage.leave(sessionDiff);
  return { cause: EndCause.COMPLETED, exitCode: 0, result: text };
}

function floodLine(number: number): string {
  const time = new Date(Date.UTC(2026, 0, 2, 10) + number * 7).toISOString().slice(11, 23);
  if (number % 997 === 0)
    return `${time} \x1b[31mERROR\x1b[39m worker-${number % 8} retry of request ${number} gave up`;
  return `${time} \x1b[2mINFO\x1b[22m worker-${number % 8} request ${number} answered in ${(number * 13) % 90} ms`;
}

const testFiles = [
  "src/routes/users.test.ts",
  "src/routes/teams.test.ts",
  "src/mail/outbox.test.ts",
  "src/billing/invoice.test.ts",
  "src/auth/session.test.ts",
];

const sessionSource = `import { currentKey } from "./keys.ts";

export function isSignedIn(token: string): boolean {
  return verify(token, currentKey());
}`;

const sessionDiff = create(DiffSchema, {
  baseCommit: "3f9c1d20a7b4e85c6d1f",
  stat: { files: 1, insertions: 2, deletions: 2 },
  files: [
    {
      path: "src/auth/session.ts",
      change: FileChange.MODIFIED,
      insertions: 2,
      deletions: 2,
      patch: new TextEncoder().encode(`--- a/src/auth/session.ts
+++ b/src/auth/session.ts
@@ -1,5 +1,5 @@
-import { currentKey } from "./keys.ts";
+import { validKeys } from "./keys.ts";

 export function isSignedIn(token: string): boolean {
-  return verify(token, currentKey());
+  return validKeys().some((key) => verify(token, key));
 }
`),
    },
  ],
});
