import { expect, test } from "vitest";
import type { AllowHostRequest } from "#gen/job/v1/job_service_pb.js";
import { openLocalGateway } from "../local-gateway.ts";

const jobId = "job_0123456789abcdef";

test("a host is allowed by its name, and nothing is answered", async () => {
  const allowed: AllowHostRequest[] = [];
  const send = openLocalGateway({
    job: {
      allowHost(request) {
        allowed.push(request);
        return {};
      },
    },
  });
  const response = await send(`/api/jobs/${jobId}/allowed-hosts`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ host: "*.example.com:8443" }),
  });
  expect([response.status, await response.text()]).toEqual([204, ""]);
  expect(allowed).toMatchObject([{ id: jobId, host: "*.example.com:8443" }]);
});
