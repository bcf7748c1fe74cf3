import { expect, test } from "vitest";
import { FleetService } from "#gen/fleet/v1/fleet_service_pb.js";
import { JobService } from "#gen/job/v1/job_service_pb.js";
import { neededScope } from "./scope.ts";

test("reading needs viewer, changing a job operator, changing the fleet admin", () => {
  const methods = [...JobService.methods, ...FleetService.methods];
  const byScope = Object.groupBy(methods, neededScope);
  const names = Object.fromEntries(
    Object.entries(byScope).map(([scope, some]) => [scope, some.map(({ name }) => name)]),
  );
  expect(names).toEqual({
    viewer: [
      ...["GetJob", "ListJobs", "WatchJob", "WatchJobs", "ReadLog", "GetDiff", "ListArtifacts", "ReadArtifact"],
      ...["ListAsks", "ListAskRules", "ListRunners", "CheckRunner", "GetUsage"],
    ],
    operator: [
      "CreateJob",
      "CancelJob",
      "RetryJob",
      "DeleteJob",
      "PushBranch",
      "OpenPullRequest",
      "AllowHost",
      "SendMessage",
      "DecideAsk",
      "CreateAskRule",
      "RevokeAskRule",
      "SetPermissionMode",
      "UploadAttachment",
    ],
    admin: ["DrainRunner", "ResumeRunner", "AddRunner", "RemoveRunner"],
  });
});
