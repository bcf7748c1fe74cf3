import { countOf, textOf } from "./host-api.ts";
import type { OpenRequest, RequestApi } from "./pull-request.ts";

/** Merge requests of GitLab's REST API. */
export const gitlabMergeRequests: RequestApi = {
  headers: { accept: "application/json" },
  findCall(path, branch) {
    const query = `state=opened&source_branch=${encodeURIComponent(branch)}&per_page=1`;
    return { method: "GET", path: `${project(path)}/merge_requests?${query}` };
  },
  firstOf(body) {
    const [first] = Array.isArray(body) ? (body as unknown[]) : [];
    return first === undefined ? undefined : mergeRequest(first);
  },
  repositoryCall: (path) => ({ method: "GET", path: project(path) }),
  openCall(path, { branch, base, title, body, draft }) {
    const request = {
      source_branch: branch,
      target_branch: base,
      title: draft ? `Draft: ${title}` : title,
      description: body,
    };
    return { method: "POST", path: `${project(path)}/merge_requests`, body: request };
  },
  opened: mergeRequest,
};

function project(path: string): string {
  return `/projects/${encodeURIComponent(path)}`;
}

function mergeRequest(body: unknown): OpenRequest {
  return { url: textOf(body, "web_url"), number: countOf(body, "iid"), base: textOf(body, "target_branch") };
}
