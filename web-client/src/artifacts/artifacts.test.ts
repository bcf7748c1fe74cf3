import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { WorkspaceEventSchema } from "#gen/job/v1/job_event_pb.js";
import { Artifacts, artifactUrl } from "./artifacts.ts";

type EventInit = NonNullable<MessageInitShape<typeof WorkspaceEventSchema>["event"]>;

test("files that were collected are told with their sizes, and those that were not with the reason", () => {
  const artifacts = new Artifacts();
  const events: readonly EventInit[] = [
    { case: "diffstat", value: { files: 1 } },
    { case: "artifact", value: { path: "out/a", size: 5n } },
    { case: "artifactSkipped", value: { path: "out/link", reason: "It is a symbolic link." } },
    { case: "artifact", value: { path: "out/b", size: 3_000_000_000n } },
  ];
  for (const event of events) artifacts.take(create(WorkspaceEventSchema, { event }));
  expect(artifacts.files).toEqual([
    { path: "out/a", bytes: 5 },
    { path: "out/b", bytes: 3_000_000_000 },
  ]);
  expect(artifacts.leftOut).toEqual([{ path: "out/link", reason: "It is a symbolic link." }]);
});

test("a path is part of an address, whatever it holds", () => {
  expect(artifactUrl("job_1", "a b/100%?#.txt")).toBe("/api/jobs/job_1/artifacts/a%20b/100%25%3F%23.txt");
});
