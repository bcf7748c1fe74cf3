import { readFileSync } from "node:fs";

/** How an agent that speaks the Agent Client Protocol is started. */
export interface AcpAgent {
  /** The program, looked up in the runner's search path when it holds no slash, and its arguments. */
  readonly command: readonly [string, ...string[]];
  /** In a value, `${ANTHROPIC_BASE_URL}` and `${ANTHROPIC_API_KEY}` stand for where the job finds its model. */
  readonly env: Readonly<Record<string, string>>;
}

/** The agents that an operator's file names. Throws one line that says what is wrong with it. */
export function readAcpAgents(path: string): Readonly<Record<string, AcpAgent>> {
  return parseAcpAgents(readFileSync(path, "utf8"));
}

/** Agents by name from the JSON of such a file. */
export function parseAcpAgents(json: string): Readonly<Record<string, AcpAgent>> {
  const entries: unknown = JSON.parse(json);
  if (!isRecord(entries)) throw new Error("it is not an object of agents by name");
  return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [parseName(name), parseAgent(name, entry)]));
}

/** Where an agent finds its model, and what it gives there as its key. */
export interface ModelPlace {
  readonly baseUrl: string;
  readonly key: string;
}

/** The variables of an agent's own, and where it finds its model; undefined when it needs to know and there is none. */
export function agentEnvironment(
  { env }: AcpAgent,
  place: ModelPlace | undefined,
): Readonly<Record<string, string>> | undefined {
  if (place === undefined) return Object.values(env).some(namesModel) ? undefined : env;
  const model = { ANTHROPIC_BASE_URL: place.baseUrl, ANTHROPIC_API_KEY: place.key };
  const fill = (text: string) =>
    Object.entries(model).reduce((filled, [name, value]) => filled.replaceAll(`\${${name}}`, () => value), text);
  return { ...model, ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, fill(value)])) };
}

function namesModel(text: string): boolean {
  return /\$\{ANTHROPIC_(BASE_URL|API_KEY)\}/.test(text);
}

function parseName(name: string): string {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(name)) throw new Error(`the name "${name}" is not 1 to 32 of a-z 0-9 -`);
  if (name === "task" || name === "claude") throw new Error(`"${name}" is an executor of its own`);
  return name;
}

function parseAgent(name: string, entry: unknown): AcpAgent {
  if (!isRecord(entry)) throw new Error(`"${name}" is not an object`);
  const { command, env = {}, ...unknown } = entry;
  const [stranger] = Object.keys(unknown);
  if (stranger !== undefined) throw new Error(`"${name}" has the unknown field "${stranger}"`);
  if (!isCommand(command)) throw new Error(`"${name}".command is not an array of a program and its arguments`);
  if (!isRecord(env) || !isTexts(Object.values(env))) throw new Error(`"${name}".env is not an object of strings`);
  return { command, env: env as Record<string, string> };
}

function isCommand(value: unknown): value is [string, ...string[]] {
  return Array.isArray(value) && isTexts(value) && value[0] !== undefined && value[0] !== "";
}

function isTexts(values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === "string" && !value.includes("\0"));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
