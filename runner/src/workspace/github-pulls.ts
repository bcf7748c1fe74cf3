import { countOf, fieldOf, textOf } from "./host-api.ts";
import type { OpenRequest, RequestApi } from "./pull-request.ts";

/** Pull requests of GitHub's REST API. */
export const githubPulls: RequestApi = {
  headers: { accept: "application/vnd.github+json", "x-github-api-version": "2022-11-28" },
  findCall(path, branch) {
    const [owner = ""] = path.split("/");
    const head = encodeURIComponent(`${owner}:${branch}`);
    return { method: "GET", path: `/repos/${path}/pulls?state=open&head=${head}&per_page=1` };
  },
  firstOf(body) {
    const [first] = Array.isArray(body) ? (body as unknown[]) : [];
    return first === undefined ? undefined : pullRequest(first);
  },
  repositoryCall: (path) => ({ method: "GET", path: `/repos/${path}` }),
  openCall(path, { branch: head, base, title, body, draft }) {
    return { method: "POST", path: `/repos/${path}/pulls`, body: { title, head, base, body, draft } };
  },
  opened: pullRequest,
};

function pullRequest(body: unknown): OpenRequest {
  return {
    url: textOf(body, "html_url"),
    number: countOf(body, "number"),
    base: textOf(fieldOf(body, "base"), "ref"),
  };
}
