/** The RPCs of JobService by which people and agents talk: asks, rules for them, messages, the permission mode. */
import { create, toBinary } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { AskRuleSchema, AskSchema, type Decision } from "#gen/job/v1/ask_pb.js";
import { type AskRef, type JobService, NewMessageSchema } from "#gen/job/v1/job_service_pb.js";
import { hex } from "#protocol/hex.ts";
import { randomId } from "#protocol/id.ts";
import { problemError } from "#protocol/problem.ts";
import { value } from "../answer.ts";
import { callerKey } from "../auth/caller.ts";
import type { Env } from "../env.ts";
import { idOfKey } from "../id-of-key.ts";
import { parsePageToken } from "../page-token.ts";
import { askNotFound } from "./ask-refusals.ts";

type AskRpcs = Pick<
  ServiceImpl<typeof JobService>,
  "listAsks" | "decideAsk" | "createAskRule" | "listAskRules" | "revokeAskRule" | "sendMessage" | "setPermissionMode"
>;

/** The answer to a changed mode waits so long for the agent's word. */
const modeMs = 3_000;

/** These RPCs over the bindings. */
export function createAskRpcs(env: Env): AskRpcs {
  const fleet = () => env.FLEET.getByName("fleet");
  const jobObject = (id: string) => env.JOB.getByName(id);

  /** The same asks, each with its Job; one that nobody knows keeps none. */
  async function withJobs(refs: readonly AskRef[]): Promise<readonly AskRef[]> {
    const alone = refs.filter(({ jobId }) => jobId === "").map(({ askId }) => askId);
    if (alone.length === 0) return refs;
    const jobs = await fleet().jobsOfAsks(alone);
    return refs.map((ref) => ({ ...ref, jobId: ref.jobId || (jobs.get(ref.askId) ?? "") }));
  }

  /** Decides the asks of one Job, by their ids; "" is the Job of those that nobody knows. */
  async function decideOfJob(jobId: string, askIds: readonly string[], wish: { decision: Decision; key: string }) {
    if (jobId === "") return askIds.map((id) => ({ ask: undefined, refused: askNotFound(id) }));
    return await jobObject(jobId).decideAsks({ askIds, ...wish });
  }

  return {
    async listAsks(request) {
      if (request.pageToken !== "") parsePageToken(request.pageToken, "ask");
      const { states, pageSize, pageToken, jobId } = request;
      const wish = { states, pageSize, pageToken };
      return jobId === "" ? await fleet().listAsks(wish) : value(await jobObject(jobId).listAsks(wish));
    },

    async decideAsk({ asks: named, decision, idempotencyKey: key }, context) {
      if (decision === undefined) throw new Error("validation let a request without decision through");
      const { actor } = context.values.get(callerKey);
      const wish = { decision: { ...decision, actor, rule: "" }, key };
      const refs = await withJobs(named);
      const works = [...Map.groupBy(refs, ({ jobId }) => jobId)].map(async ([jobId, ofJob]) => {
        const askIds = [...new Set(ofJob.map(({ askId }) => askId))];
        const decided = await decideOfJob(jobId, askIds, wish);
        return askIds.map((askId, index) => [`${jobId}/${askId}`, decided[index]] as const);
      });
      const decided = new Map((await Promise.all(works)).flat());
      const answers = refs.map(({ jobId, askId }) => ({ jobId, askId, ...decided.get(`${jobId}/${askId}`) }));
      const [only, ...others] = answers;
      if (only?.refused !== undefined && others.length === 0) throw problemError(only.refused);
      return { asks: answers.map(({ ask, jobId, askId }) => ask ?? create(AskSchema, { id: askId, jobId })) };
    },

    async createAskRule({ rule, preview, idempotencyKey: key }, context) {
      if (rule === undefined) throw new Error("validation let a request without rule through");
      const { id, requestDigest } = await identify("rule", key, toBinary(AskRuleSchema, rule), context);
      const creator = context.values.get(callerKey).actor;
      const ruled = value(await fleet().createAskRule({ rule: { ...rule, id }, creator, preview, requestDigest }));
      return { rule: ruled.rule, asks: [...ruled.asks] };
    },

    async listAskRules({ includeEnded }) {
      return { rules: [...(await fleet().askRules({ includeEnded }))] };
    },

    async revokeAskRule({ id }, context) {
      return { rule: value(await fleet().revokeAskRule(id, context.values.get(callerKey).actor)) };
    },

    async sendMessage({ id: jobId, action, idempotencyKey: key }, context) {
      const content = action.case === "send" ? toBinary(NewMessageSchema, action.value) : new Uint8Array(0);
      const identity = await identify("msg", key === "" ? "" : `${jobId}\n${key}`, content, context);
      const author = context.values.get(callerKey).actor;
      return { message: value(await jobObject(jobId).message({ action, author, ...identity })) };
    },

    async setPermissionMode({ id, mode }, context) {
      const job = jobObject(id);
      let now = value(await job.setPermissionMode(mode, context.values.get(callerKey).actor));
      for (const endMs = Date.now() + modeMs; now.permissionMode !== mode && Date.now() < endMs; ) {
        now = value(await job.get(now.revision, endMs - Date.now()));
      }
      return { job: now };
    },
  };
}

/** An id that follows from the caller's idempotency key, if there is one, and the digest of what was asked for. */
async function identify(kind: "msg" | "rule", key: string, content: Uint8Array, context: HandlerContext) {
  const { actor } = context.values.get(callerKey);
  const id = key === "" ? randomId(kind) : await idOfKey(kind, `${actor.id}\n${key}`);
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(content));
  return { id, requestDigest: hex(new Uint8Array(digest)) };
}
