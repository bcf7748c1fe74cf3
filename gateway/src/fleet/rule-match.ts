/** Whether a rule decides a call of a tool, by the syntax that AskRule.rule describes. Pure. What is doubtful is no match. */
import type { PermissionAsk } from "#gen/job/v1/ask_pb.js";
import { globMatches } from "./path-glob.ts";

/** A tool's call as rules see it. */
export type ToolCall = Pick<PermissionAsk, "tool" | "inputJson" | "workspace">;

/** True when the rule is about this call. */
export function ruleMatches(rule: string, call: ToolCall): boolean {
  const [, tool, specifier] = /^([A-Za-z_][A-Za-z0-9_-]*)(?:\((.+)\))?$/.exec(rule) ?? [];
  if (tool === undefined || tool !== call.tool) return false;
  return specifier === undefined || specifierMatches(specifier, subjectOf(call.inputJson), call.workspace);
}

/** What a call is about. */
type Subject =
  | { readonly kind: "command"; readonly command: string }
  | { readonly kind: "path"; readonly path: string }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "unclear" };

function specifierMatches(specifier: string, subject: Subject, workspace: string): boolean {
  switch (subject.kind) {
    case "command":
      return commandMatches(specifier, subject.command);
    case "path":
      return pathMatches(specifier, subject.path, workspace);
    case "url":
      return specifier.startsWith("domain:") && domainMatches(specifier.slice("domain:".length), subject.url);
    case "unclear":
      return false;
  }
}

/**
 * What an input is about, by its fields. One that names two things is unclear: a rule for one must not let the other
 * through. So is one that asks to leave the sandbox, or whose pattern may reach beyond its path.
 */
function subjectOf(inputJson: string): Subject {
  const input = parseObject(inputJson);
  const [name, ...others] = ["command", "file_path", "path", "url"].filter((field) => Object.hasOwn(input, field));
  const value = name === undefined ? undefined : input[name];
  if (typeof value !== "string" || others.length > 0 || input.dangerouslyDisableSandbox === true) return unclear;
  if (name === "command") return { kind: "command", command: value };
  if (name === "url") return { kind: "url", url: value };
  const reachesOut = [input.pattern, input.glob].some((pattern) => /^[/~]|\.\./.test(String(pattern ?? "")));
  return reachesOut ? unclear : { kind: "path", path: value };
}

const unclear = { kind: "unclear" } as const;

/** Characters by which a shell does more than run one command with plain words. */
const shellSyntax = /[;&|<>`$(){}\\\p{Cc}\u2028\u2029]/u;

function commandMatches(specifier: string, command: string): boolean {
  const [, prefix] = /^(.*)[: ]\*$/.exec(specifier) ?? [];
  if (prefix === undefined) return command === specifier;
  const begins = command === prefix || command.startsWith(`${prefix} `);
  return /\S/.test(prefix) && begins && !shellSyntax.test(command);
}

/** No system opens longer ones. */
const maxPathLength = 4096;

function pathMatches(glob: string, path: string, workspace: string): boolean {
  const relative = path.startsWith("/") ? pathInside(workspace, path) : path;
  if (relative === undefined || relative.length > maxPathLength || /[\\\p{Cc}]/u.test(relative)) return false;
  const names = relative.split("/").filter((name) => name !== "" && name !== ".");
  // Where ".." leads depends on links that only the runner sees; "~" is a home.
  if (names.length === 0 || names.includes("..") || relative.startsWith("~")) return false;
  return globMatches(glob, names);
}

/** The path below a directory; undefined when it lies elsewhere. */
function pathInside(directory: string, path: string): string | undefined {
  const root = directory.endsWith("/") ? directory : `${directory}/`;
  return directory.startsWith("/") && path.startsWith(root) ? path.slice(root.length) : undefined;
}

function domainMatches(domain: string, url: string): boolean {
  const { protocol, hostname, username, password } = URL.parse(url) ?? {};
  const isPlain = (protocol === "https:" || protocol === "http:") && username === "" && password === "";
  if (!isPlain || hostname === undefined || !/^[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(domain)) return false;
  const wanted = domain.toLowerCase();
  return hostname === wanted || hostname.endsWith(`.${wanted}`);
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    // An input that cannot be read is about nothing in particular.
    return {};
  }
}
