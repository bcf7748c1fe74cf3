import { type HostRule, parseHostRule } from "./host-rule.ts";

/** What an operator can allow by one word. */
const presets: Readonly<Record<string, readonly string[]>> = {
  git: [
    "github.com",
    "codeload.github.com",
    "objects.githubusercontent.com",
    "raw.githubusercontent.com",
    "release-assets.githubusercontent.com",
    "gitlab.com",
    "bitbucket.org",
  ],
  npm: ["registry.npmjs.org", "registry.yarnpkg.com"],
  pypi: ["pypi.org", "files.pythonhosted.org"],
  crates: ["crates.io", "index.crates.io", "static.crates.io"],
  go: ["proxy.golang.org", "sum.golang.org"],
  debian: ["deb.debian.org", "deb.debian.org:80", "security.debian.org", "security.debian.org:80"],
  none: [],
};

/** The rules that a preset, or one rule as it is written, stands for; undefined when it is neither. */
export function expandEgress(item: string): readonly HostRule[] | undefined {
  const texts = Object.hasOwn(presets, item) ? (presets[item] ?? []) : [item];
  const rules = texts.map(parseHostRule).filter((rule) => rule !== undefined);
  return rules.length === texts.length ? rules : undefined;
}
