import { readJsonObject } from "./body.ts";
import { Fields } from "./fields.ts";
import type { RestCall, Route } from "./route.ts";

/** The route that lets a job reach another host while it runs. */
export const allowedHostRoute: Route = { method: "POST", path: "/api/jobs/:id/allowed-hosts", handle: allowHost };

async function allowHost({ request, jobs, id }: RestCall): Promise<Response> {
  const fields = new Fields(await readJsonObject(request));
  const host = fields.requiredString("host");
  fields.refuseOthers();
  await jobs.allowHost({ id, host });
  return new Response(null, { status: 204 });
}
