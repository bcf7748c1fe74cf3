/** What the page shows. `/config.json` overrides it at run time, without a new build. */
export interface Features {
  /** The page talks to the gateway. */
  readonly liveMode: boolean;
  /** The Job Panel and the job routes are there. */
  readonly runnerEnabled: boolean;
}

const demoChoice = "blazecraft.demo";

/** Whether the page plays a demo: `?demo=1` or `?demo=0`, then the choice remembered from before, then no. */
export function getDemoMode(): boolean {
  const asked = new URLSearchParams(location.search).get("demo");
  if (asked === "1" || asked === "0") localStorage.setItem(demoChoice, asked);
  return localStorage.getItem(demoChoice) === "1";
}

/** The features of the page, from its build and from `/config.json`. */
export async function loadFeatures(): Promise<Features> {
  const features: Features = { liveMode: !getDemoMode(), runnerEnabled: true };
  return { ...features, ...parseOverrides(await fetchConfig()) };
}

async function fetchConfig(): Promise<unknown> {
  try {
    const response = await fetch("/config.json", { signal: AbortSignal.timeout(2_000) });
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
