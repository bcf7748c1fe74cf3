import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Decision } from "#gen/job/v1/ask_pb.js";
import { EndCause, WaitingReason } from "#gen/job/v1/job_pb.js";
import type { EventPayload } from "../executor/executor.ts";
import type { BudgetVerdict, ReachedLimit } from "../model-proxy/budget.ts";
import { DayLedger, ledgerDirectory } from "../model-proxy/day-ledger.ts";
import type { MeteredMessage } from "../model-proxy/exchange.ts";
import { ModelDoor } from "../model-proxy/model-door.ts";
import { ModelProxy } from "../model-proxy/model-proxy.ts";
import type { ModelSettings } from "../model-proxy/model-settings.ts";
import type { Closing } from "../model-proxy/rate-limit-gate.ts";
import { give } from "../sandbox/give.ts";
import type { NetworkNamespace } from "../sandbox/network-namespace.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { limitGraceMs } from "./limits.ts";
import type { Steering } from "./steering.ts";
import type { StopSignal } from "./stop-signal.ts";

/** What the way of an attempt to its model is made of. */
export interface ModelUse {
  readonly jobId: string;
  readonly settings: ModelSettings;
  /** JobLimits.budget_micros. */
  readonly budgetMicros: bigint;
  /** Where its agent knocks; open already when that was started before its job. */
  readonly door: ModelDoor;
  readonly steering: Steering;
  readonly stop: StopSignal;
  readonly emit: (payload: EventPayload) => void;
}

/** The door of an agent behind these walls, which opens at this absolute path when asked for a socket. */
export function openDoor(socketPath: string, sandbox: Sandbox, network: NetworkNamespace | undefined): ModelDoor {
  const port = network && { server: network.model, url: network.modelUrl };
  return new ModelDoor({ socketPath, share: (path) => give(sandbox, path), port });
}

/** The proxy of an attempt: what it meters becomes events, what it waits for the attempt's waits. Undefined without a key. */
export function openModel(use: ModelUse): ModelProxy | undefined {
  const { jobId, settings, budgetMicros, door, steering, stop, emit } = use;
  const { apiKey } = settings;
  if (apiKey === undefined) return undefined;
  return new ModelProxy({
    settings: { ...settings, apiKey },
    door,
    fillMs,
    budget: {
      jobId,
      limitMicros: Number(budgetMicros),
      dayLimitMicros: settings.dayBudgetMicros,
      ledger: new DayLedger(ledgerDirectory, Date.now),
      ask: (reached, signal) => askForBudget(reached, steering, signal),
      onStop: () => stop.stop({ cause: EndCause.BUDGET_EXHAUSTED, actor: null, graceMs: limitGraceMs }),
      now: Date.now,
    },
    onMessage: (message) => emit(usageEvent(message)),
    onRateLimit: (closing) => {
      emit(rateLimitEvent(closing));
      return steering.waits.begin({ reason: WaitingReason.RATE_LIMIT, untilMs: closing.untilMs });
    },
  });
}

/** Long before an agent gives up, which Claude Code does after five minutes. */
const fillMs = 30_000;

async function askForBudget(reached: ReachedLimit, { asks }: Steering, signal: AbortSignal): Promise<BudgetVerdict> {
  const { scope, spentMicros, limitMicros } = reached;
  const value = { scope, spentMicros: BigInt(spentMicros), limitMicros: BigInt(limitMicros) };
  return toVerdict(await asks.open({ case: "budget", value }, { parentToolCallId: "", signal }));
}

function toVerdict(decision: Decision | undefined): BudgetVerdict {
  if (decision === undefined) return { kind: "withdrawn" };
  const { verdict } = decision;
  if (verdict.case !== "raiseBudget") return { kind: "stop" };
  return { kind: "raised", limitMicros: Number(verdict.value.limitMicros) };
}

function usageEvent({ report, costMicros, estimated, requestId }: MeteredMessage): EventPayload {
  const { messageId, model, consumption } = report;
  const usage = {
    inputTokens: BigInt(consumption.inputTokens),
    outputTokens: BigInt(consumption.outputTokens),
    cacheReadTokens: BigInt(consumption.cacheReadTokens),
    cacheWriteTokens: BigInt(consumption.cacheWriteTokens),
    costMicros: BigInt(costMicros),
    requests: 1,
    estimated,
  };
  return { case: "agent", value: { event: { case: "usage", value: { messageId, model, usage, requestId } } } };
}

function rateLimitEvent({ refusal, attempt }: Closing): EventPayload {
  const { retryMs, kind, status } = refusal;
  const value = {
    ...(retryMs === undefined ? {} : { until: timestampFromMs(retryMs) }),
    kind,
    attempt,
    httpStatus: status,
  };
  return { case: "agent", value: { event: { case: "rateLimit", value } } };
}
