import { create } from "@bufbuild/protobuf";
import {
  type Branch,
  BranchSchema,
  type CheckoutOptions,
  CheckoutOptionsSchema,
  type Publish,
  PublishSchema,
  type PullRequest,
  PullRequestSchema,
} from "#gen/job/v1/job_pb.js";
import type { Fields } from "./fields.ts";

/** What becomes of finished work: {"branch":"…","commit_message":"…","force":false,"pull_request":{…}}. */
export function parsePublish(fields: Fields, path: string): Publish {
  const pullRequest = fields.object(`${path}.pull_request`, (inner, prefix) => parsePullRequest(inner, `${prefix}.`));
  return create(PublishSchema, { branch: parseBranch(fields, `${path}.`), ...(pullRequest && { pullRequest }) });
}

/** Where work is pushed; the names of its fields begin with the prefix. */
export function parseBranch(fields: Fields, prefix = ""): Branch {
  return create(BranchSchema, {
    name: fields.requiredString(`${prefix}branch`),
    commitMessage: fields.string(`${prefix}commit_message`) ?? "",
    force: fields.boolean(`${prefix}force`) ?? false,
  });
}

/** A pull request to open. */
export function parsePullRequest(fields: Fields, prefix = ""): PullRequest {
  return create(PullRequestSchema, {
    title: fields.string(`${prefix}title`) ?? "",
    body: fields.string(`${prefix}body`) ?? "",
    base: fields.string(`${prefix}base`) ?? "",
    draft: fields.boolean(`${prefix}draft`) ?? false,
  });
}

/** How a repository is brought into the workspace. */
export function parseCheckout(fields: Fields, path: string): CheckoutOptions {
  return create(CheckoutOptionsSchema, {
    depth: fields.integer(`${path}.depth`, { min: 0, max: 100_000 }) ?? 0,
    withoutOldContents: fields.boolean(`${path}.without_old_contents`) ?? false,
    submodules: fields.boolean(`${path}.submodules`) ?? false,
    lfs: fields.boolean(`${path}.lfs`) ?? false,
  });
}
