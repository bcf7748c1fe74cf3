import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";

const root = join(import.meta.dirname, "../..");

/** The bash blocks under a heading of a document in docs/, down to the next heading. */
export async function readCommands(heading: string, document = "operate.md"): Promise<readonly string[]> {
  const text = await readFile(join(root, "docs", document), "utf8");
  const section = text.split(/^(?=##+ )/m).find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`docs/${document} has no heading "${heading}"`);
  return Array.from(section.matchAll(/^```bash\n(.*?)^```$/gms), ([, block = ""]) => block);
}

/** Runs a block as a reader would paste it, and returns what it printed. */
export async function runCommands(block: string, variables: Readonly<Record<string, string>>): Promise<string> {
  const { stdout } = await execa("bash", ["-euo", "pipefail", "-c", block], {
    cwd: root,
    env: variables,
    stdin: "ignore",
    timeout: 60_000,
  });
  return stdout;
}
