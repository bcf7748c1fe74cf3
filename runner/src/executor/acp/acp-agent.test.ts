import { expect, test } from "vitest";
import { agentEnvironment, parseAcpAgents } from "./acp-agent.ts";

test("an agent is a command and what it is told of its model", () => {
  const config = (url: string, key: string) => JSON.stringify({ url: `${url}/v1`, key });
  const env = { CONFIG: config(placeholder("ANTHROPIC_BASE_URL"), placeholder("ANTHROPIC_API_KEY")) };
  const json = JSON.stringify({ plain: { command: ["plain-agent"] }, second: { command: ["second", "acp"], env } });
  const { plain, second } = parseAcpAgents(json);
  expect(plain).toEqual({ command: ["plain-agent"], env: {} });
  expect(second && agentEnvironment(second, { baseUrl: "http://127.0.0.1:9", key: "$&" })).toEqual({
    ANTHROPIC_BASE_URL: "http://127.0.0.1:9",
    ANTHROPIC_API_KEY: "$&",
    CONFIG: config("http://127.0.0.1:9", "$&"),
  });
});

test("an agent that needs no model of the runner's does without", () => {
  const own = { command: ["own"], env: { KEY: "mine" } } as const;
  expect(agentEnvironment(own, undefined)).toEqual({ KEY: "mine" });
  const other = { command: ["other"], env: { KEY: placeholder("ANTHROPIC_API_KEY") } } as const;
  expect(agentEnvironment(other, undefined)).toBeUndefined();
});

test.each([
  ["not JSON", "{"],
  ["a list", "[]"],
  ["a name that no job could give", '{"Big Agent":{"command":["a"]}}'],
  ["the name of an executor", '{"claude":{"command":["a"]}}'],
  ["an agent without a command", '{"a":{}}'],
  ["an empty command", '{"a":{"command":[]}}'],
  ["a command that is a line", '{"a":{"command":"a b"}}'],
  ["a variable that is no text", '{"a":{"command":["a"],"env":{"A":1}}}'],
  ["a misspelt field", '{"a":{"command":["a"],"environment":{}}}'],
])("%s is refused", (_, json) => {
  expect(() => parseAcpAgents(json)).toThrow();
});

function placeholder(variable: string): string {
  return `\${${variable}}`;
}
