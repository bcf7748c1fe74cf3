import { hostileRepoRefs } from "../system/hostile-repo-refs.ts";
import { invalid, malformed } from "./answers.ts";

const task = { type: "task", repo_ref: "test", command: "echo never" };

/** The body of a task with some fields otherwise, or with text put behind its fields. */
export function taskWith(fields: object | string): string {
  const plain = JSON.stringify(task);
  return typeof fields === "string" ? `${plain.slice(0, -1)},${fields}}` : JSON.stringify({ ...task, ...fields });
}

/** What a task is given, and how it is refused. */
export const jobFields: readonly (readonly [fields: object | string, answer: string])[] = [
  [{ type: undefined }, invalid("type")],
  [{ type: 5 }, invalid("type")],
  [{ type: "../claude", command: undefined, prompt: "x" }, invalid("type")],
  [{ repo_ref: undefined }, invalid("repo_ref")],
  ...hostileRepoRefs.map((repo_ref) => [{ repo_ref }, invalid("repo_ref")] as const),
  ...["", "  \n", "a\0b", "x".repeat(65_537), "\ud800"].map((command) => [{ command }, invalid("command")] as const),
  [{ command: ["ls"] }, invalid("command")],
  [{ command: null }, invalid("command")],
  [{ argv: ["ls"] }, invalid("argv")],
  [{ command: undefined, argv: [] }, invalid("argv")],
  [{ command: undefined, argv: [""] }, invalid("argv")],
  [{ command: undefined, argv: ["ls", 5] }, invalid("argv[1]")],
  [{ command: undefined, argv: ["ls", "a\0"] }, invalid("argv[1]")],
  [{ command: undefined, argv: Array(257).fill("a") }, invalid("argv")],
  [{ comand: "ls" }, `${malformed} comand`],
  ['"__proto__":{"isAdmin":true}', `${malformed} __proto__`],
  ['"constructor":{}', `${malformed} constructor`],
  ['"env":{"__proto__":"x"}', invalid("env")],
  [{ env: { constructor: "x" } }, invalid("env")],
  ...["LD_PRELOAD", "PATH", "GIT_SSH_COMMAND", "NODE_OPTIONS", "BASH_ENV", "ANTHROPIC_API_KEY", "BLAZECRAFT_X"].map(
    (name) => [{ env: { [name]: "x" } }, invalid("env")] as const,
  ),
  [{ env: { "A-B": "x" } }, invalid("env[A-B]")],
  [{ env: { A: "a\0" } }, invalid("env[A]")],
  [{ env: { A: 5 } }, invalid("env.A")],
  [{ env: ["A=5"] }, invalid("env")],
  [{ env: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`A${index}`, ""])) }, invalid("env")],
  [{ labels: { Team: "x" } }, invalid("labels[Team]")],
  [{ labels: { team: "a\nb" } }, invalid("labels[team]")],
  [{ runner_labels: ["Not a label"] }, invalid("runner_labels[0]")],
  [{ name: "x".repeat(121) }, invalid("name")],
  [{ name: "\u001b[2J" }, invalid("name")],
  [{ priority: 101 }, invalid("priority")],
  [{ priority: 1.5 }, invalid("priority")],
  [{ priority: "5" }, invalid("priority")],
  [{ timeout_ms: 0 }, invalid("timeout_ms")],
  [{ timeout_ms: -1 }, invalid("timeout_ms")],
  [{ timeout_ms: 1e300 }, invalid("timeout_ms")],
  [{ queue_timeout_ms: 3e12 }, invalid("queue_timeout_ms")],
  [{ max_log_bytes: 1 }, invalid("max_log_bytes")],
  [{ budget_usd: -1 }, invalid("budget_usd")],
  [{ type: "claude", command: undefined, prompt: "x", permission_mode: "yolo" }, invalid("permission_mode")],
  [{ type: "claude", command: undefined, prompt: "x", allowed_tools: ["--yolo"] }, invalid("allowed_tools[0]")],
  [{ type: "claude", command: undefined, prompt: "x", model: "--yolo" }, invalid("model")],
  [{ type: "claude", command: undefined, prompt: " " }, invalid("prompt")],
  [{ type: "claude", command: undefined, prompt: "x".repeat(1_048_577) }, invalid("prompt")],
  [{ type: "claude", command: undefined, prompt: "x", continues: "job_x" }, invalid("continues")],
];
