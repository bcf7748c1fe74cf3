import { stored } from "./ui/storage.ts";

/** What the page shows. `/config.json` overrides it at run time, without a new build. */
export interface Features {
  /** The page talks to the gateway. */
  readonly liveMode: boolean;
  /** The Job Panel and the job routes are there. */
  readonly runnerEnabled: boolean;
}

const demoChoice = stored(() => sessionStorage, "blazecraft.demo");
const answerLimitMs = 2_000;

/**
 * Whether the page plays a demo: as `?demo=` says (0, 1 or the name of a story), then as this tab said before; then only
 * on localhost, when whoever serves the page is no gateway.
 */
export async function getDemoMode(): Promise<boolean> {
  const asked = new URLSearchParams(location.search).get("demo");
  if (asked !== null) demoChoice.write(asked);
  const choice = asked ?? demoChoice.read();
  if (choice) return choice !== "0";
  return /^(localhost|127\.0\.0\.1|\[::1\])$/.test(location.hostname) && !(await hasGateway());
}

/** The story that this tab's demo plays. */
export function demoStory(): string {
  const choice = demoChoice.read();
  return choice && choice !== "1" ? choice : "happy";
}

/** The features of the page, from its build and from `/config.json`. */
export async function loadFeatures(): Promise<Features> {
  const [isDemo, config] = await Promise.all([getDemoMode(), fetchConfig()]);
  const features: Features = { liveMode: !isDemo, runnerEnabled: true };
  return { ...features, ...parseOverrides(config) };
}

/** False when the page's server answers a call of the API with something else: a file server, a preview of the build. */
async function hasGateway(): Promise<boolean> {
  try {
    const response = await fetch("/api/health", { signal: AbortSignal.timeout(answerLimitMs) });
    return response.headers.get("content-type")?.includes("json") ?? false;
  } catch {
    // A gateway that is restarting is one all the same: the page says that it cannot be reached.
    return true;
  }
}

async function fetchConfig(): Promise<unknown> {
  try {
    const response = await fetch("/config.json", { signal: AbortSignal.timeout(answerLimitMs) });
    return await response.json();
  } catch {
    // A page without a readable config.json keeps the features it was built with.
    return undefined;
  }
}

/** The known switches among what `/config.json` holds; anything else is left out. */
export function parseOverrides(config: unknown): Partial<Features> {
  if (typeof config !== "object" || config === null || !("features" in config)) return {};
  const entries = Object.entries(Object(config.features)).filter(
    ([name, value]) => (name === "liveMode" || name === "runnerEnabled") && typeof value === "boolean",
  );
  return Object.fromEntries(entries);
}
