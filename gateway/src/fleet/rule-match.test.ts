import { describe, expect, test } from "vitest";
import { ruleMatches } from "./rule-match.ts";

const workspace = "/srv/jobs/1/workspace";

function bash(command: string): { tool: string; inputJson: string; workspace: string } {
  return { tool: "Bash", inputJson: JSON.stringify({ command, description: "x" }), workspace };
}

function edit(path: string, more: object = {}) {
  return { tool: "Edit", inputJson: JSON.stringify({ file_path: path, ...more }), workspace };
}

function fetchOf(url: unknown) {
  return { tool: "WebFetch", inputJson: JSON.stringify({ url, prompt: "x" }), workspace };
}

describe("commands", () => {
  test.each([
    ["Bash", "rm -rf /"],
    ["Bash(npm test)", "npm test"],
    ["Bash(npm test:*)", "npm test"],
    ["Bash(npm test:*)", "npm test --watch src/a.test.ts"],
    ["Bash(npm test *)", "npm test"],
    ["Bash(npm test *)", "npm test --watch"],
    ["Bash(npm test:*)", 'npm test -- --grep "two words"'],
    ["Bash(npm test:*)", "npm test 'it is' *.ts ~/x a=b"],
    ["Bash(git commit -m:*)", "git commit -m #1"],
    ["Bash(npm test && npm run lint)", "npm test && npm run lint"],
    ["Bash(a (b) c)", "a (b) c"],
  ])("%s decides %s", (rule, command) => {
    expect(ruleMatches(rule, bash(command))).toBe(true);
  });

  test.each([
    ["Bash(npm test)", "npm test "],
    ["Bash(npm test)", "npm test --watch"],
    ["Bash(npm test)", " npm test"],
    ["Bash(npm test)", "npm test\n"],
    ["Bash(npm test:*)", "npm testx"],
    ["Bash(npm test:*)", "npm test:unit"],
    ["Bash(npm test:*)", "npm\ttest"],
    ["Bash(npm test:*)", "X=1 npm test"],
    ["Bash(npm test:*)", "npm test; rm -rf /"],
    ["Bash(npm test:*)", "npm test;rm -rf /"],
    ["Bash(npm test:*)", "npm test && x"],
    ["Bash(npm test:*)", "npm test & x"],
    ["Bash(npm test:*)", "npm test | sh"],
    ["Bash(npm test:*)", "npm test || x"],
    ["Bash(npm test:*)", "npm test $(x)"],
    ["Bash(npm test:*)", 'npm test "$(x)"'],
    ["Bash(npm test:*)", "npm test $HOME"],
    ["Bash(npm test:*)", "npm test $'\\x3b'"],
    ["Bash(npm test:*)", "npm test `x`"],
    ["Bash(npm test:*)", 'npm test "`x`"'],
    ["Bash(npm test:*)", "npm test <(x)"],
    ["Bash(npm test:*)", "npm test > /etc/passwd"],
    ["Bash(npm test:*)", "npm test >> x"],
    ["Bash(npm test:*)", "npm test 2>&1"],
    ["Bash(npm test:*)", "npm test < x"],
    ["Bash(npm test:*)", "npm test << E"],
    ["Bash(npm test:*)", "npm test\nrm -rf /"],
    ["Bash(npm test:*)", "npm test \nrm -rf /"],
    ["Bash(npm test:*)", "npm test \r rm -rf /"],
    ["Bash(npm test:*)", "npm test \0 x"],
    ["Bash(npm test:*)", "npm test \\\nx"],
    ["Bash(npm test:*)", "npm test {a,b}"],
    ["Bash(npm test:*)", 'npm test "; rm -rf /"'],
    ["Bash(npm test:*)", "npm te''st"],
    ["Bash(npm test:*)", "(npm test)"],
    ["Bash(npm test; rm:*)", "npm test; rm -rf /"],
    ["Bash(:*)", " rm -rf /"],
    ["Bash(:*)", ""],
    ["Bash( :*)", "  rm"],
    ["Bash(*)", "rm -rf /"],
    ["Bash(npm *)", "npmx"],
    ["Bash( *)", " rm -rf /"],
    ["Bash(npm test *)", "npm test; rm -rf /"],
    ["Bash(domain:example.com)", "https://example.com/"],
    ["bash", "npm test"],
    ["Bas", "npm test"],
    ["BashOutput", "npm test"],
  ])("%s does not decide %j", (rule, command) => {
    expect(ruleMatches(rule, bash(command))).toBe(false);
  });

  test.each([
    ["a number", '{"command":5}'],
    ["a list", '{"command":["npm test"]}'],
    ["a command among other things", '{"command":"npm test","file_path":"npm test"}'],
    ["a command outside of the sandbox", '{"command":"npm test","dangerouslyDisableSandbox":true}'],
    ["no command", "{}"],
    ["no JSON", "npm test"],
    ["null", "null"],
    ["a prototype's command", '{"__proto__":{"command":"npm test"}}'],
  ])("a rule about a command does not decide %s", (_, inputJson) => {
    expect(ruleMatches("Bash(npm test)", { tool: "Bash", inputJson, workspace })).toBe(false);
    expect(ruleMatches("Bash", { tool: "Bash", inputJson, workspace })).toBe(true);
  });
});

describe("files", () => {
  test.each([
    ["Edit", "/etc/passwd"],
    ["Edit(src/**)", "src/a.ts"],
    ["Edit(src/**)", "./src//a.ts"],
    ["Edit(src/**)", `${workspace}/src/a/b/c.ts`],
    ["Edit(src/*.ts)", "src/a.ts"],
    ["Edit(src/*.ts)", "src/.ts"],
    ["Edit(**/*.ts)", "a.ts"],
    ["Edit(**/*.ts)", "a/b/c.ts"],
    ["Edit(a/**/b)", "a/b"],
    ["Edit(a/**/b)", "a/x/y/b"],
    ["Edit(**)", "a/b"],
    ["Edit(a*b*c)", "aXbYc"],
    ["Edit(a[1]?.ts)", "a[1]?.ts"],
  ])("%s decides %s", (rule, path) => {
    expect(ruleMatches(rule, edit(path))).toBe(true);
  });

  test.each([
    ["Edit(src/**)", "lib/a.ts"],
    ["Edit(src/**)", "xsrc/a.ts"],
    ["Edit(src/**)", "src/../../../etc/passwd"],
    ["Edit(src/**)", "src/../src/a.ts"],
    ["Edit(src/**)", "../workspace/src/a.ts"],
    ["Edit(src/**)", "/etc/src/a.ts"],
    ["Edit(src/**)", "/src/a.ts"],
    ["Edit(src/**)", "/srv/jobs/1/workspace-2/src/a.ts"],
    ["Edit(src/**)", "/srv/jobs/2/workspace/src/a.ts"],
    ["Edit(src/**)", `${workspace}/../src/a.ts`],
    ["Edit(src/**)", `${workspace}/src/../../x`],
    ["Edit(**)", "/etc/passwd"],
    ["Edit(**)", ".."],
    ["Edit(**)", "."],
    ["Edit(**)", ""],
    ["Edit(**)", workspace],
    ["Edit(**)", "~/.ssh/id_rsa"],
    ["Edit(**)", "src\\..\\x"],
    ["Edit(**)", "src/a\0.ts"],
    ["Edit(**)", "src/a\n.ts"],
    ["Edit(src/*)", "src/a/b.ts"],
    ["Edit(src/*.ts)", "src/a.tsx"],
    ["Edit(/etc/**)", "/etc/passwd"],
    ["Edit(//etc/**)", "/etc/passwd"],
    ["Edit(../**)", "../x"],
    ["Edit(src/../**)", "src/x"],
    ["Edit(src:*)", "src/a.ts"],
    ["Write(src/**)", "src/a.ts"],
  ])("%s does not decide %j", (rule, path) => {
    expect(ruleMatches(rule, edit(path))).toBe(false);
  });

  test("an absolute path matches no rule where the workspace is not known", () => {
    expect(ruleMatches("Edit(**)", { ...edit("/src/a.ts"), workspace: "" })).toBe(false);
    expect(ruleMatches("Edit(**)", { ...edit("src/a.ts"), workspace: "" })).toBe(true);
  });

  test("an input whose pattern may reach beyond its path is not decided by it", () => {
    const grep = (fields: object) => ({
      tool: "Grep",
      inputJson: JSON.stringify({ path: "src", ...fields }),
      workspace,
    });
    expect(ruleMatches("Grep(src)", grep({ pattern: "a" }))).toBe(true);
    expect(ruleMatches("Grep(src)", grep({ pattern: "../../etc/*" }))).toBe(false);
    expect(ruleMatches("Grep(src)", grep({ pattern: "/etc/*" }))).toBe(false);
    expect(ruleMatches("Grep(src)", grep({ glob: "~/*" }))).toBe(false);
  });

  test("a hostile glob costs no time", () => {
    expect(ruleMatches(`Edit(${"**/".repeat(40)}x)`, edit("a/".repeat(2000)))).toBe(false);
    expect(ruleMatches(`Edit(${"*a".repeat(60)})`, edit("a".repeat(4000)))).toBe(true);
    expect(ruleMatches(`Edit(${"*a".repeat(60)}b)`, edit("a".repeat(4000)))).toBe(false);
    expect(ruleMatches("Edit(**)", edit("a".repeat(100_000)))).toBe(false);
  });
});

describe("addresses", () => {
  test.each([
    ["WebFetch(domain:example.com)", "https://example.com/a?b#c"],
    ["WebFetch(domain:example.com)", "http://docs.EXAMPLE.com:8080/"],
    ["WebFetch(domain:Example.com)", "https://example.com"],
  ])("%s decides %s", (rule, url) => {
    expect(ruleMatches(rule, fetchOf(url))).toBe(true);
  });

  test.each([
    ["WebFetch(domain:example.com)", "https://example.com.evil.example/"],
    ["WebFetch(domain:example.com)", "https://notexample.com/"],
    ["WebFetch(domain:example.com)", "https://evil.example/example.com"],
    ["WebFetch(domain:example.com)", "https://example.com@evil.example/"],
    ["WebFetch(domain:example.com)", "https://user@example.com/"],
    ["WebFetch(domain:example.com)", "https://evil.example\\@example.com/"],
    ["WebFetch(domain:example.com)", "file://example.com/etc/passwd"],
    ["WebFetch(domain:example.com)", "javascript://example.com/"],
    ["WebFetch(domain:example.com)", "example.com"],
    ["WebFetch(domain:example.com)", 5],
    ["WebFetch(domain:)", "https://example.com/"],
    ["WebFetch(domain:.com)", "https://example.com/"],
    ["WebFetch(domain:*)", "https://example.com/"],
    ["WebFetch(example.com)", "https://example.com/"],
    ["WebFetch(https://example.com/)", "https://example.com/"],
  ])("%s does not decide %s", (rule, url) => {
    expect(ruleMatches(rule, fetchOf(url))).toBe(false);
  });
});
